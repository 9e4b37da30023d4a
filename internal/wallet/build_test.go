package wallet

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"
	"github.com/skycoin/skycoin/src/util/fee"
	"pgregory.net/rapid"

	"github.com/skycoin/teller"
)

const sky = teller.DropletsPerSKY

func TestBuildRefuses(t *testing.T) {
	w := testWallet(t, "refuses")
	own := w.Addresses()[0]
	good := func() teller.PayoutRequest {
		c := newChain(t, w)
		c.fund(own, 100*sky, 100)
		c.fund(own, 50*sky, 0)
		return c.request(crowd(2, sky), 4)
	}
	for name, tc := range map[string]struct {
		change func(*teller.PayoutRequest)
		code   teller.Code
		says   string
	}{
		"nothing wrong":    {func(*teller.PayoutRequest) {}, "", ""},
		"nobody":           {func(r *teller.PayoutRequest) { r.Pay = nil }, teller.CodeInternal, "needs a recipient"},
		"no address":       {func(r *teller.PayoutRequest) { r.Pay[1].Address = "home" }, teller.CodeInvalid, `"home"`},
		"null address":     {func(r *teller.PayoutRequest) { r.Pay[1].Address = cipher.Address{}.String() }, teller.CodeInvalid, "null address"},
		"own address":      {func(r *teller.PayoutRequest) { r.Pay[1].Address = own }, teller.CodeInvalid, own},
		"named twice":      {func(r *teller.PayoutRequest) { r.Pay[1].Address = r.Pay[0].Address }, teller.CodeInvalid, "twice"},
		"no coins":         {func(r *teller.PayoutRequest) { r.Pay[1].Coins = 0 }, teller.CodeInvalid, stranger(1)},
		"four decimals":    {func(r *teller.PayoutRequest) { r.Pay[1].Coins = sky + 100 }, teller.CodeInvalid, stranger(1)},
		"too many coins":   {func(r *teller.PayoutRequest) { r.Pay[1].Coins = math.MaxUint64 / 1000 * 1000 }, teller.CodeInvalid, "more than can exist"},
		"short of coins":   {func(r *teller.PayoutRequest) { r.Pay[1].Coins = 150 * sky }, teller.CodeShortOfCoins, "150.000000"},
		"all is in flight": {func(r *teller.PayoutRequest) { r.Spendable = nil }, teller.CodeShortOfCoins, "0.000000"},
		"no hours":         {func(r *teller.PayoutRequest) { r.Spendable = r.Spendable[1:] }, teller.CodeShortOfHours, "coin hour"},
		"too small a size": {func(r *teller.PayoutRequest) { r.MaxSize = size(1, 3) - 1 }, teller.CodeTooLarge, "pay fewer"},
		"just big enough":  {func(r *teller.PayoutRequest) { r.MaxSize = size(1, 3) }, "", ""},
		"rules unknown":    {func(r *teller.PayoutRequest) { r.Rules = teller.TxRules{} }, teller.CodeMalformed, "rules"},
		"corrupt output":   {func(r *teller.PayoutRequest) { r.Spendable[0].Hours++ }, teller.CodeCorrupt, "hash"},
		"corrupt address":  {func(r *teller.PayoutRequest) { r.Spendable[0].Address = "x" }, teller.CodeCorrupt, ""},
		"corrupt source":   {func(r *teller.PayoutRequest) { r.Spendable[0].SrcTx = "x" }, teller.CodeCorrupt, ""},
		"foreign output": {func(r *teller.PayoutRequest) {
			r.Spendable = []teller.Output{makeOutput(cipher.SHA256{1}, stranger(9), 100*sky, 10, 1, r.HeadTime)}
		}, teller.CodeShortOfCoins, ""},
		"younger than the head": {func(r *teller.PayoutRequest) { r.HeadTime-- }, teller.CodeShortOfCoins, ""},
		"six decimals in": {func(r *teller.PayoutRequest) {
			r.Spendable = []teller.Output{makeOutput(cipher.SHA256{1}, own, 100*sky+1, 10, 1, r.HeadTime)}
		}, teller.CodeShortOfCoins, ""},
		"hours overflow": {func(r *teller.PayoutRequest) {
			r.Spendable = []teller.Output{makeOutput(cipher.SHA256{1}, own, 100*sky, math.MaxUint64, 1, r.HeadTime-360_000)}
		}, teller.CodeShortOfCoins, ""},
	} {
		t.Run(name, func(t *testing.T) {
			req := good()
			tc.change(&req)
			_, err := w.Build(context.Background(), req)
			wantCode(t, err, tc.code)
			if err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%q does not say %q", err, tc.says)
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := w.Build(ctx, good())
	wantCode(t, err, teller.CodeUnavailable)
}

// TestBuildChooses names outputs by their coins and says which are spent.
func TestBuildChooses(t *testing.T) {
	type out struct {
		coins  teller.Droplets
		hours  uint64
		height int64
	}
	w := testWallet(t, "chooses")
	for name, tc := range map[string]struct {
		have  []out
		pay   teller.Droplets
		size  int
		spent []teller.Droplets
		back  int // outputs that the wallet gets, of 4 that it likes to own
	}{
		"the oldest":              {[]out{{30 * sky, 9, 3}, {20 * sky, 9, 1}, {10 * sky, 9, 2}}, 5 * sky, 0, []teller.Droplets{20 * sky}, 2},
		"the next too":            {[]out{{30 * sky, 9, 3}, {20 * sky, 9, 1}, {10 * sky, 9, 2}}, 25 * sky, 0, []teller.Droplets{20 * sky, 10 * sky}, 3},
		"one with hours":          {[]out{{30 * sky, 9, 3}, {20 * sky, 0, 1}}, 5 * sky, 0, []teller.Droplets{30 * sky}, 3},
		"one for its hours":       {[]out{{30 * sky, 0, 1}, {sky / 2, 9, 3}}, 5 * sky, 0, []teller.Droplets{30 * sky, sky / 2}, 4},
		"no dust":                 {[]out{{sky / 2, 9, 1}, {30 * sky, 9, 2}}, 5 * sky, 0, []teller.Droplets{30 * sky}, 4},
		"dust where it is needed": {[]out{{sky / 2, 9, 1}, {30 * sky, 9, 2}}, 30*sky + 1000, 0, []teller.Droplets{30 * sky, sky / 2}, 1},
		"the largest for size":    {[]out{{2 * sky, 9, 1}, {3 * sky, 9, 2}, {4 * sky, 9, 3}, {50 * sky, 9, 4}}, 45 * sky, size(1, 2), []teller.Droplets{50 * sky}, 1},
		"nothing is left":         {[]out{{30 * sky, 9, 1}}, 30 * sky, 0, []teller.Droplets{30 * sky}, 0},
		"small change":            {[]out{{30 * sky, 9, 1}}, 27 * sky, 0, []teller.Droplets{30 * sky}, 2}, // three would be too small
		"less than one":           {[]out{{30 * sky, 9, 1}}, 29*sky + 500_000, 0, []teller.Droplets{30 * sky}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChain(t, w)
			coins := map[string]teller.Droplets{}
			for i, o := range tc.have {
				made := makeOutput(cipher.SHA256{byte(i + 1)}, w.Addresses()[0], o.coins, o.hours, o.height, c.time)
				c.owned, coins[made.ID] = append(c.owned, made), o.coins
			}
			req := c.request(crowd(1, tc.pay), 4)
			req.MaxSize = tc.size
			tx, err := w.Build(context.Background(), req)
			must(t, err)
			var spent []teller.Droplets
			for _, id := range tx.Inputs {
				spent = append(spent, coins[id])
			}
			if !slices.Equal(spent, tc.spent) || len(tx.Outputs)-1 != tc.back {
				t.Errorf("spent %v and got %d back, want %v and %d", spent, len(tx.Outputs)-1, tc.spent, tc.back)
			}
		})
	}
}

// TestBuildHours says who gets the hours.
func TestBuildHours(t *testing.T) {
	w := testWallet(t, "hours")
	for name, tc := range map[string]struct {
		hours uint64 // of the input
		pay   []teller.Recipient
		fee   uint64
		each  uint64
	}{
		"plenty":               {1000, crowd(10, sky), 100, 1},
		"just enough":          {23, crowd(10, sky), 3, 1},
		"not enough":           {22, crowd(10, sky), 3, 0},
		"one":                  {1, crowd(10, sky), 1, 0},
		"shared out":           {1000, crowd(10, 10*sky), 100, 90},
		"shared out, rounded":  {1009, crowd(10, 10*sky), 109, 90}, // 101 is the least; what can not be shared is burnt
		"nothing to share out": {5, crowd(10, 10*sky), 5, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChain(t, w)
			c.fund(w.Addresses()[0], 100*sky, tc.hours)
			tx, err := w.Build(context.Background(), c.request(tc.pay, 4))
			must(t, err)
			if tx.Fee != tc.fee || tx.Outputs[0].Hours != tc.each || tx.Outputs[9].Hours != tc.each {
				t.Errorf("burnt %d hours and gave %d each, want %d and %d", tx.Fee, tx.Outputs[0].Hours, tc.fee, tc.each)
			}
		})
	}
}

// TestBuildProperties builds random payouts from random wallets.
func TestBuildProperties(t *testing.T) {
	w := testWallet(t, "properties")
	own := w.Addresses()[0]
	rapid.Check(t, func(t *rapid.T) {
		const now = 1_700_000_000
		var spendable []teller.Output
		var usable uint64
		anyHour := false
		for i := range rapid.IntRange(0, 12).Draw(t, "outputs") {
			coins := rapid.OneOf(rapid.Uint64Range(1, 2_000), rapid.Uint64Range(1, 2_000_000)).Draw(t, "coins") * 1000
			if rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
				coins += 7 // more decimals than are allowed
			} else {
				usable += coins
			}
			age := rapid.Uint64Range(0, 1_000_000).Draw(t, "age")
			o := makeOutput(cipher.SumSHA256([]byte{byte(i)}), own, teller.Droplets(coins), rapid.Uint64Range(0, 1000).Draw(t, "hours"), int64(i%3), now-age)
			ux, err := rebuild(o)
			if err != nil {
				t.Fatal(err)
			}
			if h, err := ux.CoinHours(now); err == nil && h > 0 && coins%1000 == 0 {
				anyHour = true
			}
			spendable = append(spendable, o)
		}
		pay := crowd(rapid.IntRange(1, 60).Draw(t, "recipients"), 0)
		var need uint64
		for i := range pay {
			milli := rapid.Uint64Range(1, 50_000).Draw(t, "milli")
			pay[i].Coins = teller.Droplets(milli * 1000)
			need += milli * 1000
		}
		if usable > 0 && rapid.IntRange(0, 9).Draw(t, "exact") == 0 { // nothing left
			pay, need = crowd(1, teller.Droplets(usable)), usable
		}
		req := teller.PayoutRequest{
			Spendable: spendable, Pay: pay, HeadTime: now, Rules: rules, Keep: rapid.IntRange(0, 8).Draw(t, "keep"),
			MaxSize: rapid.SampledFrom([]int{0, 1000, 3000, 24_576}).Draw(t, "size"),
		}
		tx, err := w.Build(context.Background(), req)
		switch teller.CodeOf(err) {
		case "":
			checkPayout(t, w, req, tx)
		case teller.CodeShortOfCoins:
			if usable >= need {
				t.Fatalf("%d droplets suffice for %d: %v", usable, need, err)
			}
		case teller.CodeShortOfHours:
			if anyHour || usable < need {
				t.Fatalf("there are hours: %v", err)
			}
		case teller.CodeTooLarge:
			if req.MaxSize == 0 || req.MaxSize == 24_576 || size(len(spendable), len(pay)+1) <= req.MaxSize {
				t.Fatalf("it fits: %v", err)
			}
		default:
			t.Fatal(err)
		}
	})
}

// fataler is what checkPayout needs of a test.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// checkPayout checks all that a payout promises, from its bytes.
func checkPayout(t fataler, w *Wallet, req teller.PayoutRequest, tx teller.SignedTx) {
	t.Helper()
	limit := rules.MaxSize
	if req.MaxSize > 0 {
		limit = req.MaxSize
	}
	if len(tx.Raw) > limit || len(tx.Raw) != size(len(tx.Inputs), len(tx.Outputs)) {
		t.Fatalf("%d bytes of at most %d", len(tx.Raw), limit)
	}
	back, err := w.Decode(tx.Raw)
	if err != nil || back.ID != tx.ID || len(back.Outputs) != len(tx.Outputs) {
		t.Fatalf("decoded as %s: %v", back.ID, err)
	}
	var in, out, hoursIn, hoursOut uint64
	for _, id := range back.Inputs {
		i := slices.IndexFunc(req.Spendable, func(o teller.Output) bool { return o.ID == id })
		if i < 0 {
			t.Fatalf("spends %s, which may not be spent", id)
		}
		ux, err := rebuild(req.Spendable[i])
		if err != nil {
			t.Fatal(err)
		}
		h, err := ux.CoinHours(req.HeadTime)
		if err != nil {
			t.Fatal(err)
		}
		in, hoursIn = in+ux.Body.Coins, hoursIn+h
	}
	seen := map[coin.TransactionOutput]bool{}
	for i, o := range back.Outputs {
		out, hoursOut = out+uint64(o.Coins), hoursOut+o.Hours
		if i < len(req.Pay) && (o.Address != req.Pay[i].Address || o.Coins != req.Pay[i].Coins) {
			t.Fatalf("recipient %d gets %+v", i, o)
		}
		if i >= len(req.Pay) && o.Address != w.Addresses()[0] {
			t.Fatalf("change goes to %s", o.Address)
		}
		same := coin.TransactionOutput{Address: cipher.MustDecodeBase58Address(o.Address), Coins: uint64(o.Coins), Hours: o.Hours}
		if seen[same] || o.Coins%1000 != 0 {
			t.Fatalf("output %+v is there twice, or has too many decimals", o)
		}
		seen[same] = true
	}
	burnt := hoursIn - hoursOut
	if in != out || hoursOut >= hoursIn || burnt != tx.Fee || burnt < fee.RequiredFee(hoursIn, 10) {
		t.Fatalf("%d droplets in, %d out; %d hours in, %d out, fee %d", in, out, hoursIn, hoursOut, tx.Fee)
	}
	change := len(back.Outputs) - len(req.Pay)
	if change > 0 && burnt != max(1, fee.RequiredFee(hoursIn, 10)) {
		t.Fatalf("burnt %d of %d hours", burnt, hoursIn)
	}
	if change > max(1, req.Keep) {
		t.Fatalf("%d outputs of change, and %d are to be kept", change, req.Keep)
	}
}

func TestSplitCoins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]uint64{1, 1000, 1_000_000}).Draw(t, "unit")
		change := rapid.Uint64Range(1, 1e12).Draw(t, "units") * unit
		k := rapid.IntRange(1, 20).Draw(t, "parts")
		split := splitCoins(change, unit, k)
		if split[0] == 0 { // too little for so many
			return
		}
		var sum uint64
		for i, c := range split {
			sum += c
			if c%unit != 0 || (i > 0 && c <= split[i-1]) {
				t.Fatalf("split %d into %v", change, split)
			}
		}
		if sum != change {
			t.Fatalf("%v is %d, not %d", split, sum, change)
		}
	})
}
