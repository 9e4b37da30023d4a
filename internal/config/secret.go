package config

import (
	"fmt"
	"io"
	"log/slog"
)

// hidden stands for a secret that is set, wherever it would be shown.
const hidden = "(hidden)"

// Secret is a text that must not be shown. However it is printed, logged or marshalled it comes out as a placeholder;
// Reveal is the only way to the text. The zero value is "not set".
type Secret struct{ text string }

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text, for the one place that needs it.
func (s Secret) Reveal() string { return s.text }

// IsSet reports whether there is a text.
func (s Secret) IsSet() bool { return s.text != "" }

// String is the placeholder, or "" when the secret is not set.
func (s Secret) String() string {
	if s.IsSet() {
		return hidden
	}
	return ""
}

// Format implements fmt.Formatter: a Stringer alone would not cover verbs like %d and %#v.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' || f.Flag('#') {
		fmt.Fprintf(f, "%q", s.String())
		return
	}
	_, _ = io.WriteString(f, s.String()) // fmt.State never fails
}

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler, and with it JSON and TOML: the placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the text itself. The environment is read through it.
func (s *Secret) UnmarshalText(b []byte) error {
	s.text = string(b)
	return nil
}
