package scan

import (
	"log/slog"

	"github.com/skycoin/teller"
)

// reporter tells what a step changed: every transition once in the log, and a wake-up for whoever goes on with it. It is
// safe for concurrent use.
type reporter struct {
	log      *slog.Logger
	credited func() // may be nil
}

func (r reporter) tell(res teller.ScanResult) {
	for _, d := range res.Recorded {
		r.log.Info("deposit seen", "deposit_id", d.ID, "height", d.Height, "value", d.Value, "sky_address", d.SkyAddress)
	}
	for _, d := range res.Credited {
		r.log.Info("deposit credited", "deposit_id", d.ID, "height", d.Height, "value", d.Value, "sky_address", d.SkyAddress)
	}
	if len(res.Credited) > 0 && r.credited != nil {
		r.credited()
	}
	for _, d := range res.Orphaned {
		r.log.Warn("deposit's block left the best chain", "deposit_id", d.ID, "height", d.Height)
	}
	for _, u := range res.Unbound {
		r.log.Error("payment to an address that nobody is bound to; it will be held when somebody is", "notice", "WATCH",
			"deposit_id", teller.DepositID(u.TxID, u.N), "height", u.Height, "address", u.Address, "value", u.Value)
	}
	for _, d := range res.Held {
		holds := d.Holds()
		last := holds[len(holds)-1]
		r.log.Error("deposit held, an operator must decide", "notice", "WATCH", "deposit_id", d.ID, "reason", last.Reason, "detail", last.Detail)
	}
}
