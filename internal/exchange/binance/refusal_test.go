package binance

import (
	"testing"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/exchange/binance/binancetest"
)

// TestRefusals is the table of what the exchange says and what it means.
func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		status, code int
		msg          string
		want         teller.Code
	}{
		{429, -1003, "Too much request weight used; current limit is 6000 request weight per 1 MINUTE.", teller.CodeRateLimited},
		{418, -1003, "Way too much request weight used; IP banned until 1659146400000.", teller.CodeRateLimited},
		{400, -1003, "Too many requests queued.", teller.CodeRateLimited},
		{429, -1015, "Too many new orders; current limit is 50 orders per 10 SECOND.", teller.CodeRateLimited},
		{400, -1015, "Too many new orders.", teller.CodeRateLimited},
		{429, 0, "", teller.CodeRateLimited},
		{400, -1000, "An unknown error occurred while processing the request.", teller.CodeUnavailable},
		{400, -1001, "Internal error; unable to process your request. Please try again.", teller.CodeUnavailable},
		{400, -1006, "An unexpected response was received from the message bus. Execution status unknown.", teller.CodeUnavailable},
		{400, -1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown.", teller.CodeUnavailable},
		{503, -1008, "Server is currently overloaded with other requests. Please try again in a few minutes.", teller.CodeUnavailable},
		{400, -1016, "This service is no longer available.", teller.CodeUnavailable},
		{400, -1021, "Timestamp for this request is outside of the recvWindow.", teller.CodeUnavailable},
		{500, -2010, "Account has insufficient balance for requested action.", teller.CodeUnavailable},
		{502, 0, "", teller.CodeUnavailable},
		{451, 0, "Service unavailable from a restricted location", teller.CodeUnavailable},
		{408, 0, "", teller.CodeUnavailable},
		{403, 0, "", teller.CodeRateLimited},
		{401, 0, "", teller.CodeNotAuthenticated},
		{401, -2014, "API-key format invalid.", teller.CodeNotAuthenticated},
		{401, -2015, "Invalid API-key, IP, or permissions for action.", teller.CodeNotAuthenticated},
		{400, -1022, "Signature for this request is not valid.", teller.CodeNotAuthenticated},
		{401, -1002, "You are not authorized to execute this request.", teller.CodeNotAuthenticated},
		{400, -2010, "Account has insufficient balance for requested action.", teller.CodeShortOfCoins},
		{400, -1010, "Account has insufficient balance for requested action.", teller.CodeShortOfCoins},
		{400, -2010, "Duplicate order sent.", teller.CodeAlreadyPlaced},
		{400, -2010, "Market is closed.", teller.CodeInvalid},
		{400, -2010, "Order book liquidity is less than `LOT_SIZE` filter minimum quantity.", teller.CodeInvalid},
		{400, -2010, "This action is disabled on this account.", teller.CodeInvalid},
		{400, -2010, "Price * QTY is zero or less.", teller.CodeBelowMinimum},
		{400, -1013, "Filter failure: NOTIONAL", teller.CodeBelowMinimum},
		{400, -1013, "Filter failure: MIN_NOTIONAL", teller.CodeBelowMinimum},
		{400, -1013, "Filter failure: LOT_SIZE", teller.CodeInvalid},
		{400, -1013, "Filter failure: PRICE_FILTER", teller.CodeInvalid},
		{400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE", teller.CodeInvalid},
		{400, -1014, "Unsupported order combination.", teller.CodeInvalid},
		{400, -1020, "This operation is not supported.", teller.CodeInvalid},
		{400, -1100, "Illegal characters found in parameter 'newClientOrderId'.", teller.CodeInvalid},
		{400, -1111, "Parameter 'quantity' has too much precision.", teller.CodeInvalid},
		{400, -1121, "Invalid symbol.", teller.CodeUnsupported},
		{400, -9999, "Something new.", teller.CodeMalformed},
		{400, 7, "A code that is not negative.", teller.CodeMalformed},
		{404, 0, "", teller.CodeMalformed},
		{302, 0, "", teller.CodeMalformed},
	} {
		s, e := open(t)
		s.Fail(binancetest.Refuse("POST /api/v3/order", tc.status, tc.code, tc.msg))
		_, err := e.Place(t.Context(), request(t, "t-1", teller.BTC, "0.1", ""))
		if teller.CodeOf(err) != tc.want {
			t.Errorf("%d %d %q: %v has the code %s, want %s", tc.status, tc.code, tc.msg, err, teller.CodeOf(err), tc.want)
		}
	}
	s, e := open(t)
	s.Fail(binancetest.Refuse("GET /api/v3/order", 400, -2013, "Order does not exist."))
	_, err := e.Order(t.Context(), teller.BTC, "1")
	wantCode(t, err, teller.CodeNotFound)
}

// TestRealRefusals are those that the stand-in makes by itself.
func TestRealRefusals(t *testing.T) {
	s, e := open(t)
	_, err := e.Place(t.Context(), request(t, "t-1", teller.BTC, "10.00000001", ""))
	wantCode(t, err, teller.CodeShortOfCoins)
	_, err = e.Place(t.Context(), request(t, "t-1", teller.BTC, "0.00009999", ""))
	wantCode(t, err, teller.CodeBelowMinimum)
	_, err = e.Place(t.Context(), request(t, "t 1", teller.BTC, "1", ""))
	wantCode(t, err, teller.CodeInvalid)
	// The rules change after they were read.
	changed := binancetest.Skycoin()
	changed.StepSize, changed.TickSize = "1", "0.0001"
	s.AddSymbol(changed)
	_, err = e.Place(t.Context(), request(t, "t-1", teller.BTC, "0.0011", "1000"))
	wantCode(t, err, teller.CodeInvalid)
	s.SetStatus("SKYCOINBTC", "HALT")
	_, err = e.Place(t.Context(), request(t, "t-1", teller.BTC, "1", ""))
	wantCode(t, err, teller.CodeInvalid)
	s.SetStatus("SKYCOINBTC", "TRADING")
	s.SetBook("SKYCOINBTC")
	_, err = e.Place(t.Context(), request(t, "t-1", teller.BTC, "1", ""))
	wantCode(t, err, teller.CodeInvalid)

	s.SetKey(binancetest.Key, "another")
	_, err = e.Balance(t.Context(), teller.BTC)
	wantCode(t, err, teller.CodeNotAuthenticated)
	s.SetKey("another", binancetest.Secret)
	_, err = e.Find(t.Context(), teller.BTC, "t-1")
	wantCode(t, err, teller.CodeNotAuthenticated)
	if n := len(s.Orders()); n != 0 {
		t.Errorf("%d orders were accepted", n)
	}
}
