package bolt

import (
	"encoding/json"
	"errors"

	"github.com/skycoin/teller"
)

// journalEntry is what a line of the journal says; one of its fields is set.
type journalEntry struct {
	Binding *teller.Binding
	Payout  *teller.Payout
	Closed  *journalClosed
	Attempt *journalAttempt
	Anchor  *journalAnchor
}

// journalClosed is a deposit that an operator has ended without a payout of this ledger, or refunded.
type journalClosed struct {
	DepositID string `json:"deposit_id"`
	Reason    string `json:"reason"`
	TxID      string `json:"txid,omitempty"` // that paid it by hand
	// Coins that the transaction paid for it, when an operator said so; 0 = it was closed.
	Coins teller.Droplets `json:"coins,omitempty"`
	// Refund is the transaction that has given back what of it was not spent on an exchange.
	Refund string `json:"refund,omitempty"`
	// Owed is what is still to be sent after the refund, of what was bought: it has not ended the deposit. 0 = it has, or
	// something else has.
	Owed teller.Droplets `json:"owed,omitempty"`
}

// journalAttempt is an order that the exchange is about to be asked for. It may leave no trace there.
type journalAttempt struct {
	DepositID string `json:"deposit_id"`
	N         int    `json:"n"` // of the attempt, from 1
}

// journalAnchor is the head of the audit log at the time of the lines before it. It stands outside of the database, so
// that nobody can write the log anew unnoticed.
type journalAnchor struct {
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
}

// journalRow is how a line is written. A binding's fields stand for themselves, as they always did.
type journalRow struct {
	journalBinding
	Payout  *journalPayout  `json:"payout,omitempty"`
	Closed  *journalClosed  `json:"closed,omitempty"`
	Attempt *journalAttempt `json:"order,omitempty"`
	Anchor  *journalAnchor  `json:"audit,omitempty"`
}

type journalBinding struct {
	Coin       teller.Coin      `json:"coin,omitempty"`
	Address    string           `json:"address,omitempty"`
	SkyAddress string           `json:"sky_address,omitempty"`
	BuyMethod  teller.BuyMethod `json:"buy_method,omitempty"`
	Height     int64            `json:"height,omitempty"`
	CreatedAt  int64            `json:"created_at,omitempty"`
	Source     string           `json:"source,omitempty"`
	Index      uint32           `json:"index,omitempty"`
}

type journalPayout struct {
	TxID      string         `json:"txid"`
	Raw       []byte         `json:"raw"`
	Inputs    []string       `json:"inputs"`
	Shares    []teller.Share `json:"shares"`
	Fee       uint64         `json:"fee"`
	CreatedAt int64          `json:"created_at"`
}

// line encodes the entry, with its line feed.
func (e journalEntry) line() ([]byte, error) {
	row := journalRow{Closed: e.Closed, Attempt: e.Attempt, Anchor: e.Anchor}
	if b := e.Binding; b != nil {
		row.journalBinding = journalBinding{
			Coin: b.Coin, Address: b.Address, SkyAddress: b.SkyAddress, BuyMethod: b.BuyMethod,
			Height: b.Height, CreatedAt: unixSeconds(b.CreatedAt), Source: b.Source, Index: b.Index,
		}
	}
	if p := e.Payout; p != nil {
		row.Payout = &journalPayout{
			TxID: p.TxID, Raw: p.Raw, Inputs: p.Inputs, Shares: p.Shares, Fee: p.Fee, CreatedAt: unixSeconds(p.CreatedAt),
		}
	}
	raw, err := json.Marshal(row)
	return append(raw, '\n'), err
}

// parseJournalLine reads a line without its end. A line that says nothing, or nothing possible, is an error.
func parseJournalLine(line []byte) (journalEntry, error) {
	var row journalRow
	if err := json.Unmarshal(line, &row); err != nil {
		return journalEntry{}, err
	}
	switch {
	case row.Payout != nil:
		p := &teller.Payout{
			TxID: row.Payout.TxID, Raw: row.Payout.Raw, Inputs: row.Payout.Inputs, Shares: row.Payout.Shares, Fee: row.Payout.Fee,
			Status: teller.PayoutPending, Height: teller.UnknownHeight, CreatedAt: fromUnix(row.Payout.CreatedAt),
		}
		return journalEntry{Payout: p}, checkPayout(*p)
	case row.Closed != nil:
		if !keyable(row.Closed.DepositID) || row.Closed.Reason == "" {
			return journalEntry{}, errors.New("no deposit or no reason")
		}
		if row.Closed.Owed > 0 && (row.Closed.Refund == "" || row.Closed.Coins > 0) {
			return journalEntry{}, errors.New("something to be sent, and no refund that left it")
		}
		return journalEntry{Closed: row.Closed}, nil
	case row.Attempt != nil:
		if !keyable(row.Attempt.DepositID) || row.Attempt.N < 1 {
			return journalEntry{}, errors.New("no deposit or no attempt")
		}
		return journalEntry{Attempt: row.Attempt}, nil
	case row.Anchor != nil:
		return journalEntry{Anchor: row.Anchor}, nil
	}
	b := &teller.Binding{
		Address: fold(row.Coin, row.Address), Coin: row.Coin, SkyAddress: row.SkyAddress, BuyMethod: row.BuyMethod,
		Height: row.Height, CreatedAt: fromUnix(row.CreatedAt), Source: row.Source, Index: row.Index,
	}
	return journalEntry{Binding: b}, checkBinding(*b)
}

// journal adds a line that goes out with the transaction.
func (t *txn) journal(e journalEntry) error {
	line, err := e.line()
	if err == nil {
		_, err = parseJournalLine(line[:len(line)-1]) // one that could not be read would keep the next start from happening
	}
	if err != nil {
		return teller.Errorf(teller.CodeInternal, "journal: %w", err)
	}
	t.lines = append(t.lines, line...)
	return nil
}
