package bolt

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/skycoin/teller"
)

// record is a deposit as this store keeps it: the domain's row, what only the store needs to know about it, and the row
// as it stands in the indexes and counters.
type record struct {
	teller.Deposit
	mined       bool            // in a block of the best chain as far as the cursor goes
	passthrough json.RawMessage // passthroughRow, or what the original noted about an exchange order, which is kept as it is
	stored      *record         // nil for a new row
}

// depositRow is the JSON of bucketDeposits. The first group are the original's fields, under its names and in its
// units: ETH values are gwei there.
type depositRow struct {
	Seq            uint64           `json:"seq"`
	UpdatedAt      int64            `json:"updated_at"`
	Status         teller.Status    `json:"status"`
	CoinType       teller.Coin      `json:"coin_type"`
	SkyAddress     string           `json:"sky_address"`
	BuyMethod      teller.BuyMethod `json:"buy_method"`
	DepositAddress string           `json:"deposit_address"`
	DepositID      string           `json:"deposit_id"`
	TxID           string           `json:"txid"`
	ConversionRate string           `json:"conversion_rate"`
	DepositValue   int64            `json:"deposit_value"`
	SkySent        uint64           `json:"sky_sent"`
	Passthrough    json.RawMessage  `json:"passthrough,omitempty"`
	Error          string           `json:"error"`
	Deposit        outputRow        `json:"deposit"`

	Version   uint64             `json:"version,omitempty"` // 0 only in a row that the original wrote
	Exact     *teller.Amount     `json:"deposit_value_exact,omitempty"`
	BlockHash string             `json:"block_hash,omitempty"`
	Mined     bool               `json:"mined,omitempty"`
	Owed      teller.Droplets    `json:"owed,omitempty"`
	Orphaned  bool               `json:"orphaned,omitempty"`
	Hold      *teller.Hold       `json:"hold,omitempty"`
	Behind    []teller.Hold      `json:"behind,omitempty"`
	Import    teller.ImportState `json:"import,omitempty"`
	Absorbed  string             `json:"absorbed,omitempty"`
	ByBalance bool               `json:"by_balance,omitempty"`
	Uncounted bool               `json:"uncounted,omitempty"`

	Bought     teller.Droplets `json:"bought,omitempty"`
	Spent      *teller.Amount  `json:"spent,omitempty"` // nil = 0
	Attempts   int             `json:"attempts,omitempty"`
	RefundTxID string          `json:"refund_txid,omitempty"`
}

// outputRow is the output as the original's scanner noted it, also the JSON of bucketValues.
type outputRow struct {
	CoinType  teller.Coin `json:"coin_type"`
	Address   string      `json:"address"`
	Value     int64       `json:"value"`
	Height    int64       `json:"height"`
	Tx        string      `json:"tx"`
	N         uint32      `json:"n"`
	Processed bool        `json:"processed"`
}

// originalUnit is how many of a coin's base units one unit of the original's values is.
func originalUnit(c teller.Coin) int64 {
	if c == teller.ETH {
		return 1_000_000_000
	}
	return 1
}

// cutValue is an amount in the original's unit, cut.
func cutValue(c teller.Coin, a teller.Amount) int64 {
	n := a.Big()
	n.Quo(n, big.NewInt(originalUnit(c)))
	if !n.IsInt64() {
		return math.MaxInt64 // the exact value stands beside it
	}
	return n.Int64()
}

func exactValue(c teller.Coin, v int64) (teller.Amount, error) {
	n := big.NewInt(v)
	return teller.AmountFromBig(n.Mul(n, big.NewInt(originalUnit(c))))
}

func encodeRecord(r *record) ([]byte, error) {
	cut := cutValue(r.Coin, r.Value)
	var spent *teller.Amount
	if !r.Spent.IsZero() {
		spent = &r.Spent
	}
	return json.Marshal(depositRow{
		Seq: r.Seq, UpdatedAt: unixSeconds(r.UpdatedAt), Status: r.Status, CoinType: r.Coin, SkyAddress: r.SkyAddress,
		BuyMethod: r.BuyMethod, DepositAddress: r.Address, DepositID: r.ID, TxID: r.PayoutTxID,
		ConversionRate: r.Rate.String(), DepositValue: cut, SkySent: uint64(r.Sent), Passthrough: r.passthrough, Error: r.Error,
		Deposit: outputRow{CoinType: r.Coin, Address: r.Address, Value: cut, Height: r.Height, Tx: r.TxID, N: r.N},
		Version: r.Version, Exact: &r.Value, BlockHash: r.BlockHash, Mined: r.mined, Owed: r.Owed, Orphaned: r.Orphaned,
		Hold: r.Hold, Behind: r.Behind, Import: r.Import, Absorbed: r.Absorbed, ByBalance: r.ByBalance, Uncounted: r.Uncounted,
		Bought: r.Bought, Spent: spent, Attempts: r.Attempts, RefundTxID: r.RefundTxID,
	})
}

// decodeRecord reads a row of ours or of the original. The id is the row's key: very old rows do not repeat it.
func decodeRecord(id string, raw []byte) (*record, error) {
	var row depositRow
	if err := json.Unmarshal(raw, &row); err != nil {
		return nil, corrupt(bucketDeposits, []byte(id), err)
	}
	if row.CoinType == "" {
		row.CoinType = teller.BTC // the only coin there was before the field
	}
	if _, err := teller.ParseCoin(string(row.CoinType)); err != nil {
		return nil, corrupt(bucketDeposits, []byte(id), err)
	}
	if _, err := teller.ParseStatus(string(row.Status)); err != nil {
		return nil, corrupt(bucketDeposits, []byte(id), err)
	}
	d := teller.Deposit{
		ID: id, Seq: row.Seq, Version: row.Version, Coin: row.CoinType, Address: row.DepositAddress, SkyAddress: row.SkyAddress,
		BuyMethod: row.BuyMethod, TxID: row.Deposit.Tx, N: row.Deposit.N, Height: row.Deposit.Height, BlockHash: row.BlockHash,
		Status: row.Status, Owed: row.Owed, Sent: teller.Droplets(row.SkySent), PayoutTxID: row.TxID, Error: row.Error,
		Orphaned: row.Orphaned, Hold: row.Hold, Behind: row.Behind, Import: row.Import, Absorbed: row.Absorbed,
		ByBalance: row.ByBalance, Uncounted: row.Uncounted, UpdatedAt: fromUnix(row.UpdatedAt),
		Bought: row.Bought, Attempts: row.Attempts, RefundTxID: row.RefundTxID,
	}
	if row.Spent != nil {
		d.Spent = *row.Spent
	}
	if d.TxID == "" {
		d.TxID, d.N = splitID(id)
	}
	if rate, err := teller.ParseRate(row.ConversionRate); err == nil {
		d.Rate = rate // an imported row may have none; whoever needs one then takes the rate of the day
	}
	if row.Exact != nil {
		d.Value = *row.Exact
	} else {
		v, err := exactValue(d.Coin, row.DepositValue)
		if err != nil {
			return nil, corrupt(bucketDeposits, []byte(id), err)
		}
		d.Value = v
	}
	r := &record{Deposit: d, mined: row.Mined, passthrough: row.Passthrough}
	was := *r
	r.stored = &was
	return r, nil
}

func splitID(id string) (string, uint32) {
	txid, n, _ := strings.Cut(id, ":")
	v, err := strconv.ParseUint(n, 10, 32)
	if err != nil {
		return txid, 0
	}
	return txid, uint32(v)
}

// bindingRow is the JSON of a binding, in its bucket and in the list of its SKY address.
type bindingRow struct {
	SkyAddress string
	Address    string
	CoinType   teller.Coin
	BuyMethod  teller.BuyMethod
	Height     *int64 `json:",omitempty"` // nil in rows of the original
	CreatedAt  int64  `json:",omitempty"` // unix seconds
	Restored   bool   `json:",omitempty"`
	Source     string `json:",omitempty"`
	Index      uint32 `json:",omitempty"`
}

func toBindingRow(b teller.Binding) bindingRow {
	return bindingRow{
		SkyAddress: b.SkyAddress, Address: b.Address, CoinType: b.Coin, BuyMethod: b.BuyMethod,
		Height: &b.Height, CreatedAt: unixSeconds(b.CreatedAt), Restored: b.Restored,
		Source: b.Source, Index: b.Index,
	}
}

func (r bindingRow) binding() teller.Binding {
	b := teller.Binding{
		Address: r.Address, Coin: r.CoinType, SkyAddress: r.SkyAddress, BuyMethod: r.BuyMethod,
		Height: teller.UnknownHeight, CreatedAt: fromUnix(r.CreatedAt), Restored: r.Restored,
		Source: r.Source, Index: r.Index,
	}
	if r.Height != nil {
		b.Height = *r.Height
	}
	if b.BuyMethod == "" {
		b.BuyMethod = teller.BuyDirect
	}
	return b
}

// decodeBinding reads a value of a bind bucket: JSON, or the bare SKY address of a very old database.
func decodeBinding(c teller.Coin, address string, raw []byte) (teller.Binding, error) {
	row := bindingRow{SkyAddress: string(raw)}
	if len(raw) == 0 || raw[0] == '{' {
		row = bindingRow{}
		if err := json.Unmarshal(raw, &row); err != nil {
			return teller.Binding{}, corrupt(bindBucket(c), []byte(address), err)
		}
	}
	row.Address, row.CoinType = address, c
	return row.binding(), nil
}

func unixSeconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromUnix(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}
