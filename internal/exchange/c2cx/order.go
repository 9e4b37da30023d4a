package c2cx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/skycoin/teller"
)

// status is how far an order is, in C2CX's numbers.
type status int

const (
	completed status = 4
	cancelled status = 5
	errored   status = 6
	expired   status = 11
)

var statusNames = map[status]string{
	1: "pending", 2: "active", 3: "partial", completed: "completed", cancelled: "cancelled", errored: "error",
	7: "suspended", 8: "trigger pending", 9: "stop loss pending", 10: "processing", expired: "expired", 12: "cancelling",
}

// String is the name of a status, or its number when C2CX's documentation knows none.
func (s status) String() string {
	if name := statusNames[s]; name != "" {
		return name
	}
	return fmt.Sprintf("status %d", int(s))
}

// final reports whether nothing more is bought. A status that nobody knows is not final: an order is waited for until the
// exchange says what has become of it.
func (s status) final() bool { return s == completed || s == cancelled || s == errored || s == expired }

// order is an order as the exchange shows it. What is needed to tell whose it is has been checked, the rest is by report.
type order struct {
	id       string
	clientID string // "" = none
	status   status
	original json.RawMessage
}

// decodeOrder reads one order.
func decodeOrder(raw json.RawMessage) (order, error) {
	var a struct {
		OrderID number
		CID     json.RawMessage
		Status  number
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return order{}, teller.Errorf(teller.CodeMalformed, "c2cx: order: %w", err)
	}
	if !isOrderID(a.OrderID.text) || a.Status.count() < 1 {
		return order{}, teller.Errorf(teller.CodeMalformed, "c2cx: an order has the id %.40q and the status %.40q", a.OrderID.text, a.Status.text)
	}
	o := order{id: a.OrderID.text, status: status(a.Status.count()), original: raw}
	if text := string(a.CID); text != "" && text != "null" && json.Unmarshal(a.CID, &o.clientID) != nil {
		o.clientID = text // somebody else's: ours are strings
	}
	return o, nil
}

// decodeOrderInfo reads the answer to the question for one order: the order, or a list of only that.
func decodeOrderInfo(data json.RawMessage) (order, error) {
	if list := []json.RawMessage(nil); len(data) > 0 && data[0] == '[' {
		if err := json.Unmarshal(data, &list); err != nil {
			return order{}, teller.Errorf(teller.CodeMalformed, "c2cx: getorderinfo: %w", err)
		}
		if len(list) != 1 {
			return order{}, teller.Errorf(teller.CodeMalformed, "c2cx: getorderinfo: %d orders instead of one", len(list))
		}
		data = list[0]
	}
	return decodeOrder(data)
}

// report reads the rest of an order and says what it means. See the package's documentation for the arithmetic.
func (o order) report() (teller.OrderReport, error) {
	var a struct{ Amount, AvgPrice, CompletedAmount, Price, Fee number }
	var kind struct{ Type string }
	for _, into := range []any{&a, &kind} {
		if err := json.Unmarshal(o.original, into); err != nil {
			return teller.OrderReport{}, teller.Errorf(teller.CodeMalformed, "c2cx: order %s: %w", o.id, err)
		}
	}
	r := teller.OrderReport{
		OrderID: o.id, Status: o.status.String(), Final: o.status.final(), Filled: o.status == completed,
		Completed: a.CompletedAmount.text, Price: a.AvgPrice.text, Original: string(bytes.TrimSpace(o.original)),
	}
	switch kind.Type {
	case "buy":
	case "sell":
		r.Filled = false
		return r, nil
	default:
		return r, o.wrong("it is of the type %.40q", kind.Type)
	}
	for _, n := range []number{a.Amount, a.AvgPrice, a.CompletedAmount, a.Price, a.Fee} {
		if n.rat().Sign() < 0 {
			return r, o.wrong("%s is negative", n.text)
		}
	}
	if !a.CompletedAmount.given() || a.Fee.rat().Cmp(a.CompletedAmount.rat()) > 0 {
		return r, o.wrong("%q SKY completed, less a fee of %q", a.CompletedAmount.text, a.Fee.text)
	}
	if a.CompletedAmount.rat().Sign() == 0 {
		if r.Filled {
			return r, o.wrong("it is completed, and nothing was bought")
		}
		return r, nil
	}
	if a.AvgPrice.rat().Sign() == 0 || !a.Fee.given() {
		return r, o.wrong("%s SKY completed at the price %q for a fee of %q", a.CompletedAmount.text, a.AvgPrice.text, a.Fee.text)
	}
	bought := floor(scaled(new(big.Rat).Sub(a.CompletedAmount.rat(), a.Fee.rat()), teller.SKY.Decimals()))
	if !bought.IsUint64() {
		return r, o.wrong("%s SKY is more than can exist", a.CompletedAmount.text)
	}
	r.Bought = teller.Droplets(bought.Uint64())
	spent := paid(a.CompletedAmount, a.AvgPrice, r.Final)
	if most := requested(a.Price, a.Amount); most.Sign() > 0 && most.Cmp(spent) < 0 {
		spent = most
	}
	var err error
	r.Spent, err = teller.AmountFromBig(spent)
	return r, err
}

func (o order) wrong(format string, args ...any) error {
	return teller.Errorf(teller.CodeMalformed, "c2cx: order %s: "+format, append([]any{o.id}, args...)...)
}

// paid is what was spent, in satoshi. As an average that was rounded may make it more than it is, it is told a little less
// while more may be bought, by two units of the average's last digit: so that it never has to be less later.
func paid(completed, average number, final bool) *big.Int {
	sum := new(big.Rat).Mul(completed.rat(), average.rat())
	slack := new(big.Rat).Mul(completed.rat(), new(big.Rat).SetFrac(big.NewInt(2), pow10(max(average.decimals(), averageDecimals))))
	if thousandth := big.NewRat(1, 1_000); final || scaled(slack, teller.BTC.Decimals()).Cmp(thousandth) < 0 {
		return half(scaled(sum, teller.BTC.Decimals()))
	}
	if sum.Cmp(slack) < 0 {
		return new(big.Int)
	}
	return floor(scaled(sum.Sub(sum, slack), teller.BTC.Decimals()))
}

// averageDecimals are those that an average price has at least. When it shows fewer, the others are 0.
const averageDecimals = 8

// requested is what an order asked to spend at most, in satoshi, rounded up; 0 when it does not tell. A market order has
// the sum in one of the two fields, and 0 in the other.
func requested(price, amount number) *big.Int {
	sum := new(big.Rat).Mul(price.rat(), amount.rat())
	if sum.Sign() == 0 {
		sum.Add(price.rat(), amount.rat())
	}
	return ceil(scaled(sum, teller.BTC.Decimals()))
}
