package dummy

import (
	"os"
	"strings"
	"testing"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"
	"github.com/skycoin/skycoin/src/params"

	"github.com/skycoin/teller"
)

func TestInjectRefusals(t *testing.T) {
	n := openNode(t, t.TempDir())
	_, outputs := bank.wallet(t, n)
	in := outputs[0]
	coins, hours := teller.Droplets(in.Body.Coins), in.Body.Hours
	sky := teller.DropletsPerSKY
	unsigned := bank.sign(t, coin.UxArray{in}, out(buyer, coins, 0))
	unsigned.Sigs[0] = cipher.Sig{}
	altered := bank.sign(t, coin.UxArray{in}, out(buyer, coins, 0))
	altered.Out[0].Address = bank.address
	noInputs := coin.Transaction{Out: []coin.TransactionOutput{out(buyer, sky, 0)}}
	if err := noInputs.UpdateHeader(); err != nil {
		t.Fatal(err)
	}
	unknown := in
	unknown.Body.Coins--
	for name, tc := range map[string]struct {
		tx   coin.Transaction
		want string
	}{
		"not signed":          {unsigned, "Unsigned input in transaction"},
		"altered":             {altered, "InnerHash does not match computed hash"},
		"another's key":       {buyer.sign(t, coin.UxArray{in}, out(buyer, coins, 0)), "Signature not valid for output being spent"},
		"unknown input":       {bank.sign(t, coin.UxArray{unknown}, out(buyer, coins-1, 0)), "does not exist"},
		"an input twice":      {bank.sign(t, coin.UxArray{in, in}, out(buyer, 2*coins, 0)), "Duplicate spend"},
		"no inputs":           {noInputs, "No inputs"},
		"no outputs":          {bank.sign(t, coin.UxArray{in}), "No outputs"},
		"more coins":          {bank.sign(t, coin.UxArray{in}, out(buyer, coins+1000, 0)), "Insufficient coins"},
		"fewer coins":         {bank.sign(t, coin.UxArray{in}, out(buyer, coins-1000, 0)), "Transactions may not destroy coins"},
		"no coins":            {bank.sign(t, coin.UxArray{in}, out(buyer, coins, 0), out(bank, 0, 0)), "Zero coin output"},
		"equal outputs":       {bank.sign(t, coin.UxArray{in}, out(bank, coins-2*sky, 0), out(buyer, sky, 0), out(buyer, sky, 0)), "Duplicate output in transaction"},
		"four decimals":       {bank.sign(t, coin.UxArray{in}, out(bank, coins-100, 0), out(buyer, 100, 0)), "soft constraint: invalid amount, too many decimal places"},
		"no fee":              {bank.sign(t, coin.UxArray{in}, out(buyer, coins, hours)), "soft constraint: Transaction has zero coinhour fee"},
		"too small a fee":     {bank.sign(t, coin.UxArray{in}, out(buyer, coins, hours-1)), "soft constraint: Transaction coinhour fee minimum not met"},
		"more hours":          {bank.sign(t, coin.UxArray{in}, out(buyer, coins, hours+1)), "Insufficient coin hours"},
		"the null address":    {bank.sign(t, coin.UxArray{in}, coin.TransactionOutput{Coins: uint64(coins)}), "sent to the null address"},
		"hours that overflow": {bank.sign(t, coin.UxArray{in}, out(buyer, sky, 1<<63), out(bank, coins-sky, 1<<63)), "Transaction output hours overflow"},
	} {
		t.Run(name, func(t *testing.T) {
			err := n.Inject(t.Context(), tc.tx.MustSerialize())
			if teller.CodeOf(err) != teller.CodeInvalid || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want invalid with %q", err, tc.want)
			}
		})
	}
	for name, raw := range map[string][]byte{"nothing": nil, "garbage": []byte("garbage"), "a megabyte": make([]byte, 1<<20)} {
		if err := n.Inject(t.Context(), raw); teller.CodeOf(err) != teller.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if pending, err := n.Pending(t.Context()); err != nil || len(pending) != 0 || len(n.Broadcasts()) != 0 {
		t.Errorf("something refused is pending: %v, %v", pending, err)
	}
}

func TestTransactionSizeLimit(t *testing.T) {
	n := openNode(t, t.TempDir(), func(o *NodeOptions) { o.Coins, o.Outputs = 10_000*teller.DropletsPerSKY, 1 })
	head, outputs := bank.wallet(t, n)
	var outs []coin.TransactionOutput
	for i := range 880 { // with the change 881 outputs: 146 + 37 x 881 bytes are the most that fit
		outs = append(outs, out(buyer, teller.Droplets(i+1)*1000, 0))
	}
	tooMany := bank.pay(t, head, outputs[0], append(outs, out(buyer, teller.DropletsPerSKY*7, 0))...)
	if err := n.Inject(t.Context(), tooMany.MustSerialize()); err == nil || !strings.Contains(err.Error(), "Transaction size bigger than max block size") {
		t.Errorf("%d bytes: %v", tooMany.Length, err)
	}
	full := bank.pay(t, head, outputs[0], outs...)
	if err := n.Confirm(t.Context(), inject(t, n, full), 0); err != nil {
		t.Errorf("%d bytes: %v", full.Length, err)
	}
}

func FuzzInject(f *testing.F) {
	dir := f.TempDir()
	n := openNode(f, dir)
	head, outputs := bank.wallet(f, n)
	tx := bank.pay(f, head, outputs[0], out(buyer, teller.DropletsPerSKY, 1))
	f.Add(tx.MustSerialize())
	tx.Sigs[0][3]++
	f.Add(tx.MustSerialize())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := len(n.Broadcasts())
		err := n.Inject(t.Context(), raw)
		if err != nil && (teller.CodeOf(err) != teller.CodeInvalid || len(n.Broadcasts()) != before) {
			t.Fatalf("Inject = %v, %d broadcasts, %d before", err, len(n.Broadcasts()), before)
		}
	})
}

func TestRulesAreSkycoins(t *testing.T) {
	for _, name := range []string{"USER_BURN_FACTOR", "USER_MAX_TXN_SIZE", "USER_MAX_DECIMALS"} {
		if os.Getenv(name) != "" {
			t.Skipf("%s changes the library's rules", name)
		}
	}
	if rules != params.UserVerifyTxn {
		t.Errorf("the rules are %+v, the library has %+v", rules, params.UserVerifyTxn)
	}
}
