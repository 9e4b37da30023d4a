package binance

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/adshao/go-binance/v2"

	"github.com/skycoin/teller"
)

const (
	// maxClientID is the longest client id that the exchange takes.
	maxClientID = 36
	// cancelledMark is what Cancel adds to an order's client id.
	cancelledMark = "-c"
)

// cancelledID is the client id that a cancelled order has from then on. On Binance the id of the cancellation takes the place
// of the order's own, which becomes free; under one that follows from it the order is still found.
func cancelledID(clientID string) string { return clientID + cancelledMark }

// Cancel asks to end an order. An order that has ended is no error; one that never was is CodeNotFound.
func (e *Exchange) Cancel(ctx context.Context, coin teller.Coin, orderID string) error {
	symbol, err := e.symbol(coin)
	if err != nil {
		return err
	}
	id, err := parseID(orderID)
	if err != nil {
		return err
	}
	o, _, err := e.query(ctx, symbol, func(s *binance.GetOrderService) { s.OrderID(id) })
	switch {
	case isArchived(err):
		return nil
	case err != nil:
		return err
	case o.OrderID != id:
		return malformed("order", "it is about %d, not about %d", o.OrderID, id)
	case states[o.Status].final:
		return nil
	}
	_, err = e.call(ctx, "cancel", signed, func(ctx context.Context, c *binance.Client) error {
		_, err := c.NewCancelOrderService().Symbol(symbol).OrderID(id).NewClientOrderID(renamed(o.ClientOrderID)).Do(ctx, window)
		return err
	})
	var r *refusalError
	if errors.As(err, &r) && r.Code == codeNotCanceled && r.says("unknown order") {
		return nil // it has ended meanwhile
	}
	return err
}

// renamed is cancelledID, once: a cancellation may be asked for again after its answer was lost. An id that leaves no room (of
// an order that was placed by hand) is not kept.
func renamed(clientID string) string {
	if strings.HasSuffix(clientID, cancelledMark) {
		return clientID
	}
	return cancelledID(clientID[:min(len(clientID), maxClientID-len(cancelledMark))])
}

// parseID reads the exchange's id of an order. One that can not be was never given to any.
func parseID(orderID string) (int64, error) {
	id, err := strconv.ParseInt(orderID, 10, 64)
	if err != nil || id <= 0 {
		return 0, teller.Errorf(teller.CodeNotFound, "binance: there is no order %q", cut(orderID, 40))
	}
	return id, nil
}
