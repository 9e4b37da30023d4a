package crashtest

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/skycoin/teller/internal/chain/eth/anviltest"
	"github.com/skycoin/teller/internal/chain/eth/nodetest"
)

// ethChain is an anvil. It keeps its chain in memory, so that it can not be stopped, and sometimes does not come to itself
// after a pause: its troubles are those of the way to it.
type ethChain struct {
	*anviltest.Node
	t         *testing.T
	websocket bool
	gate      *gate
	from      map[string]common.Address // who sent a payment that can be sent again
}

func startETH(t *testing.T, websocket bool) *ethChain {
	n := &ethChain{Node: anviltest.Start(t), t: t, websocket: websocket, from: make(map[string]common.Address)}
	n.gate = openGate(t, net.JoinHostPort(n.Server, n.Port))
	n.PayInside(n.newAddress(-1), n.newAddress(-2), 2) // its contract is older than any reorg
	n.Mine(20)
	return n
}

func (*ethChain) coin() string { return "ETH" }

func (n *ethChain) config() string {
	host, port, err := net.SplitHostPort(n.gate.address)
	if err != nil {
		n.t.Fatal(err)
	}
	return fmt.Sprintf("[eth_rpc]\nserver = %q\nport = %q\nchain_id = %d\nwebsocket = %t\n", host, port, n.ChainID, n.websocket)
}

func (*ethChain) newAddress(i int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "eth %d", i))
	return inLowerCase(common.BytesToAddress(h[:20]))
}

// inLowerCase is how teller spells an address.
func inLowerCase(a common.Address) string { return strings.ToLower(a.Hex()) }

func (*ethChain) amount(r *rand.Rand) *big.Int {
	switch r.IntN(5) {
	case 0:
		return big.NewInt(1 + r.Int64N(40_000_000_000_000)) // a thousandth of a SKY costs 21 of 10^12 wei
	case 1:
		return big.NewInt(1e17 + r.Int64N(5e18))
	default:
		return big.NewInt(1e15 + r.Int64N(1e17))
	}
}

// pay makes a transaction for each, or now and then lets a contract pay two at once.
func (n *ethChain) pay(r *rand.Rand, to []target) {
	for len(to) > 0 {
		if len(to) > 1 && r.IntN(3) == 0 {
			n.PayInside(to[0].address, to[1].address, to[0].value.Uint64()+to[1].value.Uint64()/2)
			to = to[2:]
			continue
		}
		key := drawKey(r)
		account := crypto.PubkeyToAddress(key.PublicKey)
		n.fund(account)
		n.from[n.SendFrom(key, nodetest.Tx{To: to[0].address, Value: to[0].value})] = account
		to = to[1:]
	}
}

// drawKey makes an account for one payment: then none depends on another that a reorg may have dropped.
func drawKey(r *rand.Rand) *ecdsa.PrivateKey {
	seed := make([]byte, 32)
	for {
		for i := range seed {
			seed[i] = byte(r.IntN(256))
		}
		if key, err := crypto.ToECDSA(seed); err == nil {
			return key
		}
	}
}

func (n *ethChain) fund(account common.Address) {
	n.Call(nil, "anvil_setBalance", account, (*hexutil.Big)(new(big.Int).Mul(big.NewInt(100), unit["ETH"])))
}

func (n *ethChain) mine(blocks int) { n.Mine(blocks) }

func (n *ethChain) height() int64 { return n.Height() }

// reorg drops what contracts paid for good; the rest is sent again or not.
func (n *ethChain) reorg(depth int, comeback bool) {
	tip := n.Height()
	var dropped []string
	for height := tip - int64(depth) + 1; height <= tip; height++ {
		for _, tx := range n.block(height).Transactions {
			if _, ok := n.from[tx.Hash]; ok {
				dropped = append(dropped, tx.Hash)
			}
		}
	}
	n.Reorg(depth)
	n.Mine(1)
	if !comeback {
		return
	}
	for _, txid := range dropped {
		n.fund(n.from[txid])
		n.SendAgain(txid)
	}
}

func (n *ethChain) disturb(r *rand.Rand) string {
	if r.IntN(2) == 0 {
		n.gate.turn(hung)
		return "hung"
	}
	n.gate.turn(refused)
	return "unreachable"
}

// calm is always true: the chain goes on while teller can not see it.
func (*ethChain) calm() bool { return true }

func (n *ethChain) heal() { n.gate.turn(opened) }

type ethBlock struct {
	Transactions []struct {
		Hash, To string
		Value    *hexutil.Big
		Input    hexutil.Bytes
	}
}

func (n *ethChain) block(height int64) ethBlock {
	var b ethBlock
	n.Call(&b, "eth_getBlockByNumber", hexutil.Uint64(height), true)
	return b
}

// deposits reads what transactions pay, and what the test's one contract pays for them: its input says to whom.
func (n *ethChain) deposits(from, to int64) []deposit {
	var found []deposit
	for height := from; height <= to; height++ {
		for _, tx := range n.block(height).Transactions {
			var receipt struct{ Status hexutil.Uint64 }
			n.Call(&receipt, "eth_getTransactionReceipt", tx.Hash)
			if receipt.Status != 1 {
				continue
			}
			value := tx.Value.ToInt()
			add := func(i int, to string, value *big.Int) {
				found = append(found, deposit{"ETH", tx.Hash, i, inLowerCase(common.HexToAddress(to)), value, height})
			}
			if len(tx.Input) != 64 {
				add(0, tx.To, value)
				continue
			}
			half := new(big.Int).Rsh(value, 1)
			add(1, inLowerCase(common.BytesToAddress(tx.Input[:32])), half)
			add(2, inLowerCase(common.BytesToAddress(tx.Input[32:])), new(big.Int).Sub(value, half))
		}
	}
	return found
}

// checkBalances makes sure that deposits has read the chain well: nothing ever leaves a deposit address.
func (n *ethChain) checkBalances(owner map[string]string, deposits []deposit) {
	n.t.Helper()
	sums := make(map[string]*big.Int)
	for _, d := range deposits {
		if d.coin != "ETH" || owner[d.address] == "" {
			continue
		}
		if sums[d.address] == nil {
			sums[d.address] = new(big.Int)
		}
		sums[d.address].Add(sums[d.address], d.value)
	}
	for _, address := range slices.Sorted(maps.Keys(sums)) {
		var balance hexutil.Big
		n.Call(&balance, "eth_getBalance", address, "latest")
		if balance.ToInt().Cmp(sums[address]) != 0 {
			n.t.Errorf("the auditor counts %s wei to %s, the chain %s", sums[address], address, balance.ToInt())
		}
	}
}

// spelt is a transaction's id as logs may spell it.
func spelt(txid string) string { return strings.TrimPrefix(strings.ToLower(txid), "0x") }

func atoi(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
