package httpapi

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/skycoin/teller"
)

// depositAddresses is GET /api/deposit-addresses. All bound addresses of all coins are in it, perhaps millions: they are
// written to a file as fast as the store gives them, and to the client as fast as it reads.
func (a *admin) depositAddresses(w http.ResponseWriter, r *http.Request) error {
	spool, err := newSpool()
	if err != nil {
		return err
	}
	defer func() { _ = spool.Close() }() // all of it is read, or nobody wants it any more
	if err := a.writeAddresses(spool, r); err != nil {
		return err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return teller.Errorf(teller.CodeInternal, "read address list back: %w", err)
	}
	out := startStream(w, "application/json")
	if _, err := io.Copy(out, spool); err != nil {
		return &errBroken{err}
	}
	if err := out.Flush(); err != nil {
		return &errBroken{err}
	}
	return nil
}

// newSpool makes a file without a name, which is gone with its last reader.
func newSpool() (*os.File, error) {
	f, err := os.CreateTemp("", "teller-addresses-")
	if err != nil {
		return nil, teller.Errorf(teller.CodeInternal, "make a temporary file for the address list: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, teller.Errorf(teller.CodeInternal, "unlink the temporary file of the address list: %w", errors.Join(err, f.Close()))
	}
	return f, nil
}

func (a *admin) writeAddresses(f io.Writer, r *http.Request) error {
	out := bufio.NewWriterSize(f, 64<<10) // keeps its first error for Flush
	sep := "{\n"
	for _, c := range teller.Coins {
		use := a.Addresses(c)
		fmt.Fprintf(out, "%s    %q: {\n        \"remaining_addresses\": %d,\n        \"scanning_addresses\": [", sep, c, use.Remaining)
		n := 0
		err := a.Store.BoundAddresses(r.Context(), c, func(address string) error {
			if n++; n > 1 {
				_ = out.WriteByte(',')
			}
			quoted, err := json.Marshal(address)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(out, "\n            %s", quoted)
			return err
		})
		if err != nil {
			return err
		}
		if n > 0 {
			_, _ = out.WriteString("\n        ")
		}
		fmt.Fprintf(out, "],\n        \"scanning_enabled\": %t,\n        \"address_manager_enabled\": %t\n    }", use.Scanning, use.Pool)
		sep = ",\n"
	}
	_, _ = out.WriteString("\n}\n")
	if err := out.Flush(); err != nil {
		return teller.Errorf(teller.CodeInternal, "write address list: %w", err)
	}
	return nil
}
