package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/skycoin/teller"
)

// Health is a snapshot of how teller is doing.
type Health struct {
	Status   string // "" is "OK"
	Exchange ExchangeHealth
	Nodes    []NodeHealth // in the order in which they are shown
}

// ExchangeHealth is how buying and sending go.
type ExchangeHealth struct {
	BuyMethod         teller.BuyMethod
	ProcessorError    string          // of the last attempt to decide or buy; "" when it went well
	SenderError       string          // of the last attempt to pay; "" when it went well
	DepositErrorCount int             // deposits with a permanent error
	Coins             teller.Droplets // the hot wallet's balance
	Hours             uint64
}

// NodeHealth is how one part of the outside world is doing.
type NodeHealth struct {
	Name  string
	OK    bool
	Since time.Time // of this state; zero while nothing is known
	Error string    // why it is not OK
}

type healthResponse struct {
	Status      string         `json:"status"`
	Application string         `json:"application"`
	Version     string         `json:"version"`
	Uptime      string         `json:"uptime"`
	Exchange    exchangeHealth `json:"exchange"`
	Nodes       []nodeHealth   `json:"nodes"`
}

type exchangeHealth struct {
	BuyMethod         teller.BuyMethod `json:"buy_method"`
	ProcessorError    string           `json:"processor_error"`
	SenderError       string           `json:"sender_error"`
	DepositErrorCount int              `json:"deposit_error_count"`
	Balance           balance          `json:"balance"`
}

type balance struct {
	Coins string `json:"coins"`
	Hours string `json:"hours"`
}

type nodeHealth struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Since int64  `json:"since"`
	Error string `json:"error"`
}

// health is GET /api/health. It only renders the snapshot: anybody may ask, as often as the throttle lets them.
func (p *public) health(w http.ResponseWriter, _ *http.Request) error {
	h := p.Health()
	resp := healthResponse{
		Status:      h.Status,
		Application: "teller",
		Version:     p.Version,
		Uptime:      max(p.Clock.Now().Sub(p.Started), 0).Truncate(time.Second).String(),
		Exchange: exchangeHealth{
			BuyMethod:         h.Exchange.BuyMethod,
			ProcessorError:    h.Exchange.ProcessorError,
			SenderError:       h.Exchange.SenderError,
			DepositErrorCount: h.Exchange.DepositErrorCount,
			Balance:           balance{h.Exchange.Coins.String(), strconv.FormatUint(h.Exchange.Hours, 10)},
		},
		Nodes: []nodeHealth{},
	}
	if resp.Status == "" {
		resp.Status = "OK"
	}
	for _, n := range h.Nodes {
		resp.Nodes = append(resp.Nodes, nodeHealth{n.Name, n.OK, unix(n.Since), n.Error})
	}
	return writeJSON(w, resp)
}

// unix is an instant as every answer writes it; 0 when there is none.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
