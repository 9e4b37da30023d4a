package binance

import (
	"context"
	"math/big"
	"strconv"

	"github.com/adshao/go-binance/v2"

	"github.com/skycoin/teller"
)

// Place asks for an order: a market order when any price will do, else a limit order that ends at once. The fee comes on
// top of the price.
//
// When the rules of the market were read before (by Market), nothing but the order itself is sent.
func (e *Exchange) Place(ctx context.Context, o teller.OrderRequest) (string, error) {
	r, err := e.known(ctx, o.Coin)
	if err != nil {
		return "", err
	}
	d, err := r.draft(o)
	if err != nil {
		return "", err
	}
	var placed *binance.CreateOrderResponse
	_, err = e.call(ctx, "place", signed, func(ctx context.Context, c *binance.Client) (err error) {
		s := c.NewCreateOrderService().Symbol(r.symbol).Side(binance.SideTypeBuy).
			NewClientOrderID(o.ClientID).NewOrderRespType(binance.NewOrderRespTypeACK)
		if d.price == "" {
			s.Type(binance.OrderTypeMarket).QuoteOrderQty(d.spend)
		} else {
			s.Type(binance.OrderTypeLimit).TimeInForce(binance.TimeInForceTypeIOC).Price(d.price).Quantity(d.quantity)
		}
		placed, err = s.Do(ctx, window)
		return err
	})
	if err != nil {
		return "", err
	}
	if placed.OrderID <= 0 || placed.Symbol != r.symbol || placed.ClientOrderID != o.ClientID {
		return "", malformed("place", "it is not about the order %s", o.ClientID)
	}
	return strconv.FormatInt(placed.OrderID, 10), nil
}

// draft is an order in the exchange's numbers: either spend or the other two.
type draft struct{ spend, price, quantity string }

// draft works out what to ask for. It costs at most what may be spent, and no more for one SKY than what is accepted.
func (r rules) draft(o teller.OrderRequest) (draft, error) {
	if most := maxClientID - len(cancelledMark); o.ClientID == "" || len(o.ClientID) > most {
		return draft{}, teller.Errorf(teller.CodeInvalid, "binance: a client id has 1 to %d characters, not %d", most, len(o.ClientID))
	}
	if o.Spend.IsZero() {
		return draft{}, teller.Errorf(teller.CodeBelowMinimum, "binance: an order that spends nothing")
	}
	step := r.step(o.Coin)
	if rest := new(big.Int).Rem(o.Spend.Big(), step.Big()); rest.Sign() != 0 {
		return draft{}, teller.Errorf(teller.CodeInvalid, "binance: %s %s is not a multiple of %s", o.Spend.Format(o.Coin), o.Coin, step.Format(o.Coin))
	}
	spend := inCoins(o.Spend, o.Coin)
	if r.maxNotional.Sign() > 0 && spend.Cmp(r.maxNotional) > 0 { // the exchange would say the same as of too little
		return draft{}, teller.Errorf(teller.CodeInvalid, "binance: %s takes no order for more than %s %s", r.symbol, write(r.maxNotional), o.Coin)
	}
	if o.Least.IsZero() {
		return draft{spend: write(spend)}, nil
	}
	least, err := exact(o.Least)
	if err != nil {
		return draft{}, err
	}
	price := floorTo(new(big.Rat).Inv(least), r.tick)
	if price.Sign() == 0 {
		return draft{}, teller.Errorf(teller.CodeInvalid, "binance: %s has no price as good as %s SKY for one %s", r.symbol, o.Least, o.Coin)
	}
	quantity := floorTo(new(big.Rat).Quo(spend, price), r.lot)
	cost := new(big.Rat).Mul(quantity, price)
	if quantity.Sign() == 0 || quantity.Cmp(r.minQuantity) < 0 || cost.Cmp(r.minNotional) < 0 {
		return draft{}, teller.Errorf(teller.CodeBelowMinimum, "binance: %s takes no order for %s at %s: at least %s, for %s %s",
			r.symbol, write(quantity), write(price), write(r.minQuantity), write(r.minNotional), o.Coin)
	}
	return draft{price: write(price), quantity: write(quantity)}, nil
}
