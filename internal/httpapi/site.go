package httpapi

import (
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// site serves files, without listings of directories and without hidden files.
func site(files fs.FS, rt *router) http.Handler {
	server := http.FileServerFS(shopWindow{files})
	return rt.endpoint(allow(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", "no-cache") // built-in files carry no date to revalidate by
		server.ServeHTTP(w, r)
		return nil
	}, http.MethodGet, http.MethodHead))
}

// shopWindow shows of a file system what a visitor may see.
type shopWindow struct{ fs.FS }

// Open implements fs.FS.
func (s shopWindow) Open(name string) (fs.File, error) {
	if hidden(name) {
		return nil, notThere(name)
	}
	f, err := s.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if info.IsDir() {
		if _, err := fs.Stat(s.FS, path.Join(name, "index.html")); err != nil {
			return nil, errors.Join(notThere(name), f.Close())
		}
	}
	return f, nil
}

func notThere(name string) error {
	return &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// hidden reports names such as .git and .env, which get into a directory of pages by accident. .well-known is meant.
func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part != "." && part != ".well-known" && strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}
