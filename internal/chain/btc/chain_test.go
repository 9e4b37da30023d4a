package btc

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skycoin/teller"
)

// slowBlocks is a transport to a node that takes a second for every block.
type slowBlocks struct {
	hash, raw string

	mu           sync.Mutex
	asked, whole int // at the same time, and the most of it
}

func (s *slowBlocks) close() {}

func (s *slowBlocks) roundTrip(ctx context.Context, id uint64, request []byte) (reply, error) {
	var asked struct{ Method string }
	if err := json.Unmarshal(request, &asked); err != nil {
		return reply{}, err
	}
	if asked.Method == "getblockhash" {
		return reply{id: id, text: []byte(s.hash)}, nil
	}
	s.mu.Lock()
	s.asked++
	s.whole = max(s.whole, s.asked)
	s.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	s.mu.Lock()
	s.asked--
	s.mu.Unlock()
	return reply{id: id, text: []byte(s.raw)}, nil
}

// However many callers there are, few whole blocks are in memory.
func TestFewWholeBlocksAtOnce(t *testing.T) {
	raw, hash, _ := sampleBlock(t)
	synctest.Test(t, func(t *testing.T) {
		c := newChain(t, Config{Server: "127.0.0.1:1"})
		node := &slowBlocks{hash: hash.String(), raw: hex.EncodeToString(raw)}
		c.client.transport = node
		start := time.Now()
		var callers sync.WaitGroup
		for range 5 * maxWholeBlocks {
			callers.Go(func() {
				if _, err := c.Block(t.Context(), 7, everything{}); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := c.Block(ctx, 7, everything{}); teller.CodeOf(err) != teller.CodeUnavailable {
			t.Errorf("a caller that can not wait for its turn: %v", err)
		}
		callers.Wait()
		if took := time.Since(start); node.whole != maxWholeBlocks || took != 5*time.Second {
			t.Errorf("%d at once, all in %s", node.whole, took)
		}
	})
}

// btcd refuses an eleventh connection.
func TestFewPostsAtOnce(t *testing.T) {
	var mu sync.Mutex
	var now, most int
	full := make(chan struct{}) // closed when as many are under way as may be
	fill := sync.OnceFunc(func() { close(full) })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request socketRequest
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			t.Error(err)
		}
		mu.Lock()
		now++
		if most = max(most, now); now >= maxPosts {
			fill()
		}
		mu.Unlock()
		<-full
		mu.Lock()
		now--
		mu.Unlock()
		fmt.Fprintf(w, `{"result":"%s","error":null,"id":%d}`, hashOf(1), request.ID)
	}))
	defer server.Close()
	c := newChain(t, Config{Server: server.Listener.Addr().String()})
	var callers sync.WaitGroup
	for range 5 * maxPosts {
		callers.Go(func() {
			if _, err := c.BlockHash(t.Context(), 1); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if most != maxPosts {
		t.Errorf("%d requests at once", most)
	}
}
