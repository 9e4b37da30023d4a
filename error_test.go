package teller_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/skycoin/teller"
)

func TestErrorf(t *testing.T) {
	plain := teller.Errorf(teller.CodeInvalid, "no %s", "good")
	if plain.Error() != "no good" || errors.Unwrap(plain) != nil {
		t.Errorf("got %q, caused by %v", plain, errors.Unwrap(plain))
	}
	wrapped := teller.Errorf(teller.CodeUnavailable, "read block %d: %w", 7, io.ErrUnexpectedEOF)
	if wrapped.Error() != "read block 7: unexpected EOF" || !errors.Is(wrapped, io.ErrUnexpectedEOF) {
		t.Errorf("got %q, which is not caused by %v", wrapped, io.ErrUnexpectedEOF)
	}
}

func TestErrorMessage(t *testing.T) {
	for _, c := range []struct {
		err  teller.Error
		want string
	}{
		{teller.Error{Message: "read"}, "read"},
		{teller.Error{Err: io.EOF}, "EOF"},
		{teller.Error{Message: "read", Err: io.EOF}, "read: EOF"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestCodeOf(t *testing.T) {
	inner := teller.Errorf(teller.CodeNotFound, "no block")
	for _, c := range []struct {
		name string
		err  error
		want teller.Code
	}{
		{"no error", nil, ""},
		{"a foreign error", io.EOF, teller.CodeInternal},
		{"an error", inner, teller.CodeNotFound},
		{"an error inside a foreign one", fmt.Errorf("scan: %w", inner), teller.CodeNotFound},
		{"the outer of two", teller.Errorf(teller.CodeMalformed, "scan: %w", inner), teller.CodeMalformed},
	} {
		if got := teller.CodeOf(c.err); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
