package chaintest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/coder/websocket"
)

// socket is a websocket of the adapter with its counterpart to the node.
type socket struct {
	adapter, node *websocket.Conn
	cancel        context.CancelFunc
}

func (p *proxy) closeSockets() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := range p.sockets {
		s.cancel()
	}
	clear(p.sockets)
}

// relay passes messages on until one side or a fault ends it.
func (p *proxy) relay(w http.ResponseWriter, r *http.Request) {
	p.relays.Add(1)
	defer p.relays.Done()
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	node, refusal, err := websocket.Dial(ctx, "ws://"+p.node+r.URL.RequestURI(), &websocket.DialOptions{
		HTTPClient: p.client,
		HTTPHeader: http.Header{"Authorization": r.Header["Authorization"]},
	})
	if err != nil {
		status := http.StatusBadGateway
		if refusal != nil {
			status = refusal.StatusCode
		}
		http.Error(w, err.Error(), status)
		return
	}
	defer func() { _ = node.CloseNow() }()
	adapter, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // the adapter was told
	}
	defer func() { _ = adapter.CloseNow() }()
	node.SetReadLimit(-1)
	adapter.SetReadLimit(-1)
	s := &socket{adapter: adapter, node: node, cancel: cancel}
	p.mu.Lock()
	p.sockets[s] = true
	p.mu.Unlock()
	p.relays.Go(func() {
		defer cancel()
		s.requests(ctx)
	})
	s.answers(ctx, p.spoil)
}

// requests passes on what the adapter says.
func (s *socket) requests(ctx context.Context) {
	for {
		kind, message, err := s.adapter.Read(ctx)
		if err != nil || s.node.Write(ctx, kind, message) != nil {
			return
		}
	}
}

// answers passes on what the node says. Notices, which nobody asked for, are left alone. There is no status on a
// websocket: where a fault changes it, the connection ends.
func (s *socket) answers(ctx context.Context, spoil func(*answer)) {
	for {
		kind, message, err := s.node.Read(ctx)
		if err != nil {
			return
		}
		a := answer{status: http.StatusOK, body: bytes.Clone(message)}
		if !isNotice(message) {
			spoil(&a)
		}
		if a.hang {
			<-ctx.Done()
			return
		}
		if a.drop || a.cut || a.status != http.StatusOK || s.adapter.Write(ctx, kind, a.body) != nil {
			return
		}
		if !bytes.Equal(idOf(a.body), idOf(message)) {
			// An adapter can not know whose answer this was, and would wait for it till its patience ends.
			_ = s.adapter.Close(websocket.StatusNormalClosure, "")
			return
		}
	}
}

// isNotice reports whether a JSON-RPC message is one that nobody asked for.
func isNotice(message []byte) bool {
	var m struct {
		Method string `json:"method"`
	}
	return json.Unmarshal(message, &m) == nil && m.Method != ""
}
