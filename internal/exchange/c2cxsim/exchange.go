package c2cxsim

import (
	"crypto/md5" //nolint:gosec // what the protocol demands
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

const (
	symbol     = "BTC_SKY"
	htmlAnswer = "<!DOCTYPE html><html><head><title>C2CX</title></head><body>Under maintenance</body></html>"
	xmlAnswer  = `<?xml version="1.0" encoding="utf-8"?><Error><Message>An error has occurred.</Message></Error>`
)

// reply is the body of every answer.
type reply struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
}

func success(data any) reply { return reply{http.StatusOK, "success", data} }

func refuse(message string) reply { return reply{http.StatusBadRequest, message, struct{}{}} }

// endpoints are what the exchange does for an account. They run with the lock held.
var endpoints = map[string]func(s *Server, account *Account, form url.Values, fate Fault) reply{
	"getbalance":       (*Server).getBalance,
	"createorder":      (*Server).createOrder,
	"getorderinfo":     (*Server).getOrderInfo,
	"getorderbystatus": (*Server).getOrderByStatus,
	"cancelorder":      (*Server).cancelOrder,
}

func (s *Server) serveExchange(w http.ResponseWriter, r *http.Request) {
	endpoint := r.PathValue("endpoint")
	if endpoints[endpoint] == nil || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		send(w, refuse("parameters are wrong"))
		return
	}
	fault := s.meet(endpoint)
	switch fault.Kind {
	case LoseRequest:
		panic(http.ErrAbortHandler)
	case RateLimit:
		send(w, refuse("Too Many Requests"))
		return
	case XML:
		w.Header().Set("Content-Type", "application/xml")
		_, _ = w.Write([]byte(xmlAnswer))
		return
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(htmlAnswer))
		return
	case Error500:
		http.Error(w, htmlAnswer, http.StatusInternalServerError)
		return
	case Late:
		s.wait(fault)
	}
	answer, ok := s.answer(endpoint, r.PostForm, fault)
	if !ok { // what it might say would be forgotten
		http.Error(w, htmlAnswer, http.StatusInternalServerError)
		return
	}
	switch fault.Kind {
	case LoseReply:
		panic(http.ErrAbortHandler)
	case CutReply:
		body := encode(answer)
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	case Slow:
		s.wait(fault)
	}
	send(w, answer)
}

// answer does what is asked for. It is durable when it returns true.
func (s *Server) answer(endpoint string, form url.Values, fate Fault) (answer reply, ok bool) {
	err := s.change(func() error {
		account, refusal := s.authenticate(form)
		switch {
		case account == nil:
			answer = refusal
		case s.tooMany(account.Key, endpoint):
			answer = refuse("Too Many Requests")
		default:
			answer = endpoints[endpoint](s, account, form, fate)
		}
		return nil
	})
	if err != nil {
		s.log.Error("simulated exchange can not go on", "err", err)
	}
	return answer, err == nil
}

// authenticate finds the account that a request is signed for.
func (s *Server) authenticate(form url.Values) (*Account, reply) {
	key := form.Get("apiKey")
	secret, ok := s.secrets[key]
	if !ok {
		return nil, reply{http.StatusUnauthorized, "apiKey is wrong", struct{}{}}
	}
	if form.Get("sign") != Sign(form, secret) {
		return nil, reply{http.StatusUnauthorized, "sign is wrong", struct{}{}}
	}
	return s.accounts[key], reply{}
}

// Sign is the signature of a form: the MD5 sum of its parameters but sign, sorted by name and not encoded, and the secret,
// in upper-case hex.
func Sign(form url.Values, secret string) string {
	var text strings.Builder
	for _, parameter := range sortedKeys(form) {
		if parameter != "sign" {
			text.WriteString(parameter + "=" + form.Get(parameter) + "&")
		}
	}
	sum := md5.Sum([]byte(text.String() + "secretKey=" + secret)) //nolint:gosec // what the protocol demands
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func encode(a reply) []byte {
	body, err := json.Marshal(a)
	if err != nil {
		panic("c2cxsim: " + err.Error()) // nothing that it holds can not be encoded
	}
	return body
}

func send(w http.ResponseWriter, a reply) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(encode(a))
}

// number is a number in an answer: bare, or as a string.
func number(text string, quoted bool) json.RawMessage {
	if quoted {
		text = `"` + text + `"`
	}
	return json.RawMessage(text)
}

func (s *Server) getBalance(account *Account, _ url.Values, _ Fault) reply {
	none := number("0", false)
	frozen := s.frozen(account)
	return success(map[string]any{
		"balance": map[string]json.RawMessage{
			"btc": number(account.BTC.String(), len(s.orders)%2 == 0), "sky": number(account.SKY.String(), len(s.orders)%2 == 1),
			"eth": none, "drg": none, "usdt": none, "total": none,
		},
		"frozen": map[string]json.RawMessage{
			"btc": number(frozen.String(), len(s.orders)%2 == 1), "sky": none, "eth": none, "drg": none, "usdt": none, "total": none,
		},
	})
}
