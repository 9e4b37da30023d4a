package httpapi

import (
	"fmt"
	"net/http"
)

// backup is GET /api/backup: a consistent copy of the whole store.
func (a *admin) backup(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="teller-%d.db"`, a.Clock.Now().Unix()))
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return nil
	}
	out := newPatientWriter(w)
	err := a.Store.Backup(r.Context(), out)
	if err == nil {
		return nil
	}
	if out.written {
		return &errBroken{err}
	}
	h.Del("Content-Disposition")
	return err
}
