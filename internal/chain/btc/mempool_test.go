package btc

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcjson"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/skycoin/teller"
	"github.com/skycoin/teller/internal/chain/btc/bitcoindtest"
	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
)

// pool is a transport to a node whose mempool is made up.
type pool struct {
	txs     map[string]string // raw transactions in hex by id
	order   []string          // of their ids
	fetched []string
}

func (p *pool) close() {}

func (p *pool) add(t testing.TB, n uint32, script []byte) (txid string) {
	t.Helper()
	m := tx(n, nil, wire.NewTxOut(int64(n), script))
	var raw bytes.Buffer
	if err := m.Serialize(&raw); err != nil {
		t.Fatal(err)
	}
	p.txs[m.TxID()] = hex.EncodeToString(raw.Bytes())
	p.order = append(p.order, m.TxID())
	return m.TxID()
}

func (p *pool) roundTrip(_ context.Context, id uint64, request []byte) (reply, error) {
	var asked struct {
		Method string
		Params []any
	}
	if err := json.Unmarshal(request, &asked); err != nil {
		return reply{}, err
	}
	if asked.Method == "getrawmempool" {
		result, err := json.Marshal(p.order)
		return reply{id: id, result: result}, err
	}
	txid := fmt.Sprint(asked.Params[0])
	p.fetched = append(p.fetched, txid)
	if p.txs[txid] == "" {
		return reply{id: id, err: &btcjson.RPCError{Code: btcjson.ErrRPCNoTxInfo, Message: "gone"}}, nil
	}
	return reply{id: id, text: []byte(p.txs[txid])}, nil
}

func poolChain(t testing.TB) (*Chain, *pool) {
	t.Helper()
	c := newChain(t, Config{Server: "127.0.0.1:1"})
	p := &pool{txs: make(map[string]string)}
	c.lookout.transport = p
	return c, p
}

func TestUnconfirmedReadsEachOnceAndTheNewFirst(t *testing.T) {
	c, p := poolChain(t)
	addr := fiveKinds(t, "regtest", 3)[0]
	watched := watch(t, c, addr)
	const others = 3*maxFetches + 100
	for i := range uint32(others) {
		p.add(t, 1000+i, []byte{1})
	}
	old := p.add(t, 1, payTo(t, addr)) // at the end of what was there
	look := func() (txids []string, fetched int) {
		t.Helper()
		p.fetched = nil
		transfers, err := c.Unconfirmed(t.Context(), watched)
		if err != nil {
			t.Fatal(err)
		}
		for _, tr := range transfers {
			txids = append(txids, tr.TxID)
		}
		return txids, len(p.fetched)
	}
	if txids, n := look(); len(txids) != 0 || n != maxFetches {
		t.Fatalf("the first call read %d and found %v", n, txids)
	}
	fresh := p.add(t, 2, payTo(t, addr))
	if txids, n := look(); !reflect.DeepEqual(txids, []string{fresh}) || n != maxFetches {
		t.Fatalf("a new payment waits behind the old mempool: read %d, found %v", n, txids)
	}
	look()
	txids, n := look()
	if len(txids) != 2 || n != others+2-3*maxFetches {
		t.Fatalf("the last call of four read %d and found %v, want also %s", n, txids, old)
	}
	if txids, n := look(); len(txids) != 2 || n != 0 {
		t.Fatalf("a fifth call read %d again and found %v", n, txids)
	}
	p.order = p.order[:len(p.order)-1] // replaced, evicted or mined
	if txids, n := look(); !reflect.DeepEqual(txids, []string{old}) || n != 0 {
		t.Fatalf("without the new payment, %d read, found %v", n, txids)
	}
	p.order = nil
	if txids, _ := look(); len(txids) != 0 || len(c.mempool.read) != 0 || len(c.mempool.pays) != 0 {
		t.Errorf("of an empty mempool %v, %d and %d are kept", txids, len(c.mempool.read), len(c.mempool.pays))
	}
}

func TestUnconfirmedThatIsGoneAgain(t *testing.T) {
	c, p := poolChain(t)
	addr := fiveKinds(t, "regtest", 3)[0]
	txid := p.add(t, 1, payTo(t, addr))
	raw := p.txs[txid]
	delete(p.txs, txid) // it left between the two calls
	if got, err := c.Unconfirmed(t.Context(), watch(t, c, addr)); err != nil || len(got) != 0 {
		t.Fatalf("%v, %v", got, err)
	}
	p.txs[txid] = raw
	if got, err := c.Unconfirmed(t.Context(), watch(t, c, addr)); err != nil || len(got) != 1 {
		t.Errorf("back again: %v, %v", got, err)
	}
}

func TestUnconfirmedOfALyingNode(t *testing.T) {
	addr := fiveKinds(t, "regtest", 3)[0]
	for name, lie := range map[string]func(p *pool, txid string){
		"another transaction": func(p *pool, txid string) { p.txs[txid] = p.txs[p.order[1]] },
		"cut off":             func(p *pool, txid string) { p.txs[txid] = p.txs[txid][:100] },
		"bytes after it":      func(p *pool, txid string) { p.txs[txid] += "00" },
		"no hex":              func(p *pool, txid string) { p.txs[txid] = "x" + p.txs[txid][1:] },
		"a short id":          func(p *pool, _ string) { p.order[1] = "00ff" },
		"an odd id":           func(p *pool, _ string) { p.order[1] = strings.Repeat("zz", 32) },
	} {
		t.Run(name, func(t *testing.T) {
			c, p := poolChain(t)
			txid := p.add(t, 1, payTo(t, addr))
			p.add(t, 2, []byte{1})
			lie(p, txid)
			got, err := c.Unconfirmed(t.Context(), watch(t, c, addr))
			if teller.CodeOf(err) != teller.CodeMalformed || got != nil {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// A buyer's payment is shown, whatever else the node has, until a block or another payment takes it out.
func TestUnconfirmedOnRealNodes(t *testing.T) {
	for name, start := range map[string]func(t testing.TB) *btcdtest.Node{
		"btcd":         func(t testing.TB) *btcdtest.Node { return btcdtest.Start(t, btcdtest.Options{}) },
		"Bitcoin Core": func(t testing.TB) *btcdtest.Node { return bitcoindtest.Start(t).Node },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node := start(t)
			c := chainOf(t, node, false, 0)
			node.Generate(105)
			addr := fiveKinds(t, "regtest", 3)[1]
			watched := watch(t, c, addr)
			var txid string
			for i := range 3 {
				txid = node.Pay(btcdtest.Output{Address: node.MiningAddress, Value: 1e6},
					btcdtest.Output{Address: addr, Value: int64(2000 + i)})
			}
			got, err := c.Unconfirmed(t.Context(), watched)
			if err != nil || len(got) != 3 {
				t.Fatalf("%+v, %v", got, err)
			}
			want := teller.Transfer{Address: addr, TxID: txid, N: 1, Value: teller.NewAmount(2002)}
			found := 0
			for _, tr := range got {
				if reflect.DeepEqual(tr, want) {
					found++
				}
			}
			if found != 1 {
				t.Errorf("%+v, want %+v among them", got, want)
			}
			node.Generate(1)
			if got, err := c.Unconfirmed(t.Context(), watched); err != nil || len(got) != 0 {
				t.Errorf("after a block: %+v, %v", got, err)
			}
		})
	}
}

// FuzzTx holds the reader of transactions against btcd's own parser.
func FuzzTx(f *testing.F) {
	for _, m := range []*wire.MsgTx{
		tx(1, nil, wire.NewTxOut(1, []byte{1})), tx(2, wire.TxWitness{{1}, {}}, wire.NewTxOut(5, nil), wire.NewTxOut(6, []byte{2})),
	} {
		var raw bytes.Buffer
		if err := m.Serialize(&raw); err != nil {
			f.Fatal(err)
		}
		f.Add(raw.Bytes())
		f.Add(append(raw.Bytes(), 0))
		f.Add(raw.Bytes()[:raw.Len()-1])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var parsed wire.MsgTx
		r := bytes.NewReader(raw)
		valid := parsed.Deserialize(r) == nil && r.Len() == 0
		var txid chainhash.Hash
		if valid {
			txid = parsed.TxHash()
			for _, out := range parsed.TxOut {
				valid = valid && out.Value >= 0 && out.Value <= maxValue
			}
		}
		hits, err := readTx(raw, txid, everything{})
		if valid != (err == nil) {
			t.Fatalf("valid is %t, and the reader says %v", valid, err)
		}
		if !valid {
			return
		}
		if len(hits) != len(parsed.TxOut) {
			t.Fatalf("%d outputs of %d", len(hits), len(parsed.TxOut))
		}
		for i, out := range parsed.TxOut {
			if h := hits[i]; int(h.n) != i || int64(h.value) != out.Value || !bytes.Equal(h.script, out.PkScript) {
				t.Fatalf("output %d is %+v", i, h)
			}
		}
		if _, err := readTx(raw, parsed.WitnessHash(), everything{}); parsed.HasWitness() && err == nil {
			t.Fatal("another transaction passes")
		}
	})
}
