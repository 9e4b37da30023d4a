package crashtest

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/skycoin/teller/internal/chain/btc/btcdtest"
)

// btcChain is a btcd on simnet, which keeps its chain over a restart.
type btcChain struct {
	*btcdtest.Node
	t         *testing.T
	websocket bool
	resume    func() // of a paused node
	stopped   bool
}

var simnet = &chaincfg.SimNetParams

func startBTC(t *testing.T, websocket bool) *btcChain {
	n := btcdtest.Start(t, btcdtest.Options{Network: "simnet"})
	n.Generate(300)
	return &btcChain{Node: n, t: t, websocket: websocket}
}

func (*btcChain) coin() string { return "BTC" }

func (n *btcChain) config() string {
	return fmt.Sprintf("[btc_rpc]\nserver = %q\nuser = %q\npass = %q\nnetwork = %q\nwebsocket = %t\n",
		n.Server, n.User, n.Pass, n.Network, n.websocket)
}

// newAddress is one of the five types in turn.
func (n *btcChain) newAddress(i int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "btc %d", i))
	var a address.Address
	var err error
	switch i % 5 {
	case 0:
		a, err = address.NewAddressPubKeyHash(h[:20], simnet)
	case 1:
		a, err = address.NewAddressScriptHashFromHash(h[:20], simnet)
	case 2:
		a, err = address.NewAddressWitnessPubKeyHash(h[:20], simnet)
	case 3:
		a, err = address.NewAddressWitnessScriptHash(h[:], simnet)
	default:
		a, err = address.NewAddressTaproot(h[:], simnet)
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return a.EncodeAddress()
}

func (*btcChain) amount(r *rand.Rand) *big.Int {
	switch r.IntN(5) {
	case 0:
		return big.NewInt(1 + r.Int64N(400)) // a thousandth of a SKY costs 194 satoshi
	case 1:
		return big.NewInt(1e7 + r.Int64N(1e8))
	default:
		return big.NewInt(1e4 + r.Int64N(1e6))
	}
}

// pay makes one transaction with an output for each.
func (n *btcChain) pay(_ *rand.Rand, to []target) {
	var outputs []btcdtest.Output
	for _, p := range to {
		outputs = append(outputs, btcdtest.Output{Address: p.address, Value: p.value.Int64()})
	}
	n.PayMany(outputs, 100)
}

func (n *btcChain) mine(blocks int) { n.Generate(blocks) }

func (n *btcChain) height() int64 { return n.Height() }

// reorg leaves the payments in the mempool. btcd keeps that in memory only: after a restart they never come back.
func (n *btcChain) reorg(depth int, comeback bool) {
	n.Invalidate(n.HashAt(n.Height() - int64(depth) + 1))
	n.GenerateEmpty(depth + 1)
	if !comeback {
		n.Restart()
	}
}

func (n *btcChain) disturb(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		n.resume = n.Pause()
		return "paused"
	}
	n.Stop()
	n.stopped = true
	return "stopped"
}

func (n *btcChain) calm() bool { return n.resume == nil && !n.stopped }

func (n *btcChain) heal() {
	if n.resume != nil {
		n.resume()
		n.resume = nil
	}
	if n.stopped {
		n.Restart()
		n.stopped = false
	}
}

func (n *btcChain) deposits(from, to int64) []deposit {
	var found []deposit
	for height := from; height <= to; height++ {
		for _, tx := range n.Block(n.HashAt(height)).Transactions {
			for i, out := range tx.TxOut {
				_, addresses, _, err := txscript.ExtractPkScriptAddrs(out.PkScript, simnet)
				if err != nil || len(addresses) != 1 {
					continue
				}
				found = append(found, deposit{
					"BTC", tx.TxHash().String(), i, addresses[0].EncodeAddress(), big.NewInt(out.Value), height,
				})
			}
		}
	}
	return found
}
