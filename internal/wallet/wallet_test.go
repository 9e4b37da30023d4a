package wallet

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skycoin/teller"
)

// testWallet makes a wallet with one address from a seed.
func testWallet(t testing.TB, seed string) *Wallet {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.wlt")
	must(t, create(path, "a wallet", seed))
	w, err := Load(path, nil)
	must(t, err)
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code teller.Code) {
	t.Helper()
	if teller.CodeOf(err) != code {
		t.Fatalf("got code %q (%v), want %q", teller.CodeOf(err), err, code)
	}
}

func TestWalletDoesNotPrintKeys(t *testing.T) {
	w := testWallet(t, "a seed")
	secret := w.keys[w.change]
	text := fmt.Sprintf("%v %+v %#v %s %q", w, w, w, w, w)
	if strings.Contains(text, secret.Hex()) || strings.Contains(text, fmt.Sprint([32]byte(secret))) || !strings.Contains(text, "1 addresses") {
		t.Errorf("printed as %s", text)
	}
}

func TestFitRecipients(t *testing.T) {
	w := &Wallet{}
	for _, tc := range []struct{ size, inputs, change, want int }{
		{32768, 1, 1, 880}, // the chain's own limit, as measured
		{24576, 1, 4, 656},
		{24576, 3, 2, 653},
		{146 + 37*2, 1, 1, 1},
		{146 + 37*2 - 1, 1, 1, 0},
		{0, 1, 1, 0},
		{24576, 1000, 1, 0},
	} {
		if got := w.FitRecipients(tc.size, tc.inputs, tc.change); got != tc.want {
			t.Errorf("FitRecipients(%d, %d, %d) = %d, want %d", tc.size, tc.inputs, tc.change, got, tc.want)
		}
	}
}
