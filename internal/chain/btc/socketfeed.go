package btc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/btcjson"
	"github.com/coder/websocket"

	"github.com/skycoin/teller"
)

// pingEvery is how often a silent connection is checked.
const pingEvery = 30 * time.Second

// subscriptions are what btcd is asked to tell of.
var subscriptions = []string{"notifyblocks", "notifynewtransactions"}

// btcdNotices are btcd's notifications. Each block comes twice, also in a form of older days that is passed over.
var btcdNotices = map[string]teller.Notice{
	btcjson.FilteredBlockConnectedNtfnMethod:    teller.NoticeBlock,
	btcjson.FilteredBlockDisconnectedNtfnMethod: teller.NoticeBlock,
	btcjson.TxAcceptedNtfnMethod:                teller.NoticeTransaction,
}

// socketFeed listens to btcd's notifications on a websocket of its own, where they do not queue behind the answers to
// calls and no slow call takes them down with it.
type socketFeed struct {
	*client
	socket    *socket
	pingEvery time.Duration
}

// listen implements feed.
func (f *socketFeed) listen(ctx context.Context, notice func(teller.Notice)) error {
	conn, err := f.connect(ctx)
	if err != nil {
		return err
	}
	pinging, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.ping(pinging, conn)
	}()
	err = f.read(ctx, conn, notice)
	stop()
	_ = conn.CloseNow() // it has failed, or is not wanted any more
	<-done
	return err
}

// connect dials and subscribes.
func (f *socketFeed) connect(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, f.timeout, errTimeout)
	defer cancel()
	conn, err := f.socket.dial(ctx)
	if err != nil {
		return nil, err
	}
	for i, method := range subscriptions {
		request := fmt.Appendf(nil, `{"jsonrpc":"1.0","id":%d,"method":%q,"params":[]}`, i+1, method)
		if err := conn.Write(ctx, websocket.MessageText, request); err != nil {
			_ = conn.CloseNow() // the error says why
			return nil, f.socket.unreachable(err)
		}
	}
	return conn, nil
}

// ping cuts the connection when the other end does not answer any more: a read would wait for ever.
func (f *socketFeed) ping(ctx context.Context, conn *websocket.Conn) {
	ticker := time.NewTicker(f.pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		answered, cancel := context.WithTimeout(ctx, f.timeout)
		err := conn.Ping(answered)
		cancel()
		if err != nil {
			_ = conn.CloseNow() // which the reader tells
			return
		}
	}
}

// read hands out notices until the connection fails. Each kind comes once when its subscription is confirmed.
func (f *socketFeed) read(ctx context.Context, conn *websocket.Conn, notice func(teller.Notice)) error {
	for {
		_, message, err := conn.Read(ctx)
		if err != nil {
			return f.socket.unreachable(err)
		}
		n, err := f.parse(message)
		if err != nil {
			return err
		}
		if n != "" {
			notice(n)
		}
	}
}

// parse reads a notification or the answer to a subscription; "" is neither's notice.
func (f *socketFeed) parse(message []byte) (teller.Notice, error) {
	var m struct {
		ID     *uint64           `json:"id"`
		Method string            `json:"method"`
		Error  *btcjson.RPCError `json:"error"`
	}
	if err := json.Unmarshal(message, &m); err != nil {
		return "", f.socket.garbage(fmt.Errorf("%w, in %s", err, quote(message)))
	}
	switch {
	case m.ID == nil:
		return btcdNotices[m.Method], nil
	case *m.ID == 0 || *m.ID > uint64(len(subscriptions)):
		return "", f.socket.garbage(errors.New("it answers what it was not asked"))
	}
	method := subscriptions[*m.ID-1]
	switch {
	case m.Error != nil && m.Error.Code == btcjson.ErrRPCMethodNotFound.Code:
		return "", teller.Errorf(teller.CodeUnsupported, "bitcoin node %s does not know %s", f.server, method)
	case m.Error != nil:
		return "", f.refusal(method, m.Error)
	case method == "notifyblocks":
		return teller.NoticeBlock, nil
	}
	return teller.NoticeTransaction, nil
}
