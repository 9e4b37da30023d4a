package bolt

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/skycoin/teller"
)

// backupInfix is in the names of the temporary copies that a backup streams.
const backupInfix = ".backup-"

// Backup implements teller.Store. The copy is made beside the database, which needs as much space again for a while. It
// does not hold the journal: that is restored from wherever it stands.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	f, err := s.copyBeside(ctx)
	if err != nil {
		return err
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}()
	if _, err := io.Copy(contextWriter{ctx, w}, f); err != nil {
		return teller.Errorf(teller.CodeUnavailable, "the backup was not received to its end: %w", err)
	}
	return nil
}

// copyBeside makes a consistent copy of the database beside it, and returns it open at its start. Who calls it closes and
// removes it; after a crash, the next start does.
func (s *Store) copyBeside(ctx context.Context) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+backupInfix+"*")
	if err != nil {
		return nil, teller.Errorf(teller.CodeUnavailable, "there is no place for a copy of the database: %w", err)
	}
	err = s.view(ctx, func(t *txn) error {
		_, err := t.tx.WriteTo(contextWriter{ctx, f})
		return err
	})
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		_ = os.Remove(f.Name())
		return nil, translate(err)
	}
	return f, nil
}

// contextWriter stops writing when its context ends.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c contextWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}

// copyAside copies a database under a name with a suffix before the first write to it, and never over another copy.
func copyAside(path, suffix string) (string, error) {
	for n := 1; ; n++ {
		name := path + suffix
		if n > 1 {
			name += "." + strconv.Itoa(n)
		}
		same, err := sameContent(path, name)
		if err == nil && same {
			return name, nil // an attempt that was interrupted made it
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", translate(err)
		}
		return name, copyFile(path, name)
	}
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return translate(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return teller.Errorf(teller.CodeUnavailable, "the database can not be copied before it is changed: %w", err)
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = errors.Join(os.Rename(to+".part", to), syncDir(filepath.Dir(to)))
	}
	if err != nil {
		_ = os.Remove(to + ".part")
		return teller.Errorf(teller.CodeUnavailable, "the database can not be copied before it is changed: %w", err)
	}
	return nil
}

func sameContent(a, b string) (bool, error) {
	fb, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer fb.Close()
	fa, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer fa.Close()
	bufA, bufB := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		na, errA := io.ReadFull(fa, bufA)
		nb, errB := io.ReadFull(fb, bufB)
		if !bytes.Equal(bufA[:na], bufB[:nb]) {
			return false, nil
		}
		if ended(errA) || ended(errB) {
			return ended(errA) && ended(errB), nil
		}
		if err := errors.Join(errA, errB); err != nil {
			return false, err
		}
	}
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
