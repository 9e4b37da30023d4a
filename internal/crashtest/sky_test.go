package crashtest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller/internal/chain/sky/skynodetest"
)

// skyChain is the Skycoin chain: payouts are made on it, and it takes deposits of SKY. It makes blocks only in mine, so
// that what is in none of its blocks now was in none a moment ago.
type skyChain struct {
	*skynodetest.Chain
	t        *testing.T
	wallet   string        // the file of the hot wallet
	customer cipher.SecKey // of somebody with SKY of their own
	purse    string        // the customer's address
	stopped  bool
	failing  bool

	next    int64           // the block to read next
	outputs []deposit       // every output of every transaction
	mined   map[string]bool // ids of transactions
}

// blockTime is how far apart two blocks are: coins must rest to earn the hours that transactions cost.
const blockTime = 10 * time.Minute

func startSKY(t *testing.T) *skyChain {
	c := &skyChain{Chain: skynodetest.Start(t, skynodetest.Options{}), t: t, mined: make(map[string]bool)}
	c.wallet = filepath.Join(t.TempDir(), "hot.wlt")
	c.WriteWallet(c.wallet)
	public, secret := cipher.MustGenerateDeterministicKeyPair([]byte("customer"))
	c.customer, c.purse = secret, cipher.AddressFromPubKey(public).String()
	genesis := cipher.MustGenerateDeterministicKeyPairs([]byte(skynodetest.Seed), 1)[0]
	var gift []target
	for i := range int64(20) {
		gift = append(gift, target{c.purse, big.NewInt((100_000 + i) * 1e6)})
	}
	c.send(genesis, c.GenesisAddress, gift)
	c.mine(1)
	return c
}

func (*skyChain) coin() string { return "SKY" }

func (c *skyChain) config() string {
	return fmt.Sprintf("[sky_rpc]\naddress = %q\ngenesis = %q\nmin_peers = 0\n", c.Address, c.GenesisHash)
}

func (*skyChain) newAddress(i int) string {
	public, _ := cipher.MustGenerateDeterministicKeyPair(fmt.Appendf(nil, "sky %d", i))
	return cipher.AddressFromPubKey(public).String()
}

func (*skyChain) amount(r *rand.Rand) *big.Int {
	thousandths := 1000 + r.Int64N(500_000)
	if r.IntN(5) == 0 {
		thousandths = 1 + r.Int64N(6)
	}
	return big.NewInt(thousandths * 1000)
}

func (c *skyChain) pay(_ *rand.Rand, to []target) {
	var distinct []target // a transaction with two equal outputs is refused
	for _, p := range to {
		if !slices.ContainsFunc(distinct, func(d target) bool { return d.address == p.address && d.value.Cmp(p.value) == 0 }) {
			distinct = append(distinct, p)
		}
	}
	for some := range slices.Chunk(distinct, 100) {
		c.send(c.customer, c.purse, some)
	}
}

// mine makes one block of what is pending, whatever their number, and reads it.
func (c *skyChain) mine(int) {
	height, _ := c.MineAfter(blockTime)
	for ; c.next <= height; c.next++ {
		for _, raw := range c.Transactions(c.next) {
			tx, err := coin.DeserializeTransaction(raw)
			c.must(err)
			txid := tx.Hash().Hex()
			c.mined[txid] = true
			for i, out := range tx.Out {
				c.outputs = append(c.outputs, deposit{
					"SKY", txid, i, out.Address.String(), new(big.Int).SetUint64(out.Coins), c.next,
				})
			}
		}
	}
}

func (c *skyChain) height() int64 { return c.next - 1 }

func (c *skyChain) deposits(from, to int64) []deposit {
	var found []deposit
	for _, d := range c.outputs {
		if d.height >= from && d.height <= to {
			found = append(found, d)
		}
	}
	return found
}

// pending are the ids of the transactions that the node waits to see in a block.
func (c *skyChain) pending() map[string]bool {
	var answer []struct {
		Transaction struct{ TxID string }
	}
	c.get("/api/v1/pendingTxs", &answer)
	ids := make(map[string]bool)
	for _, a := range answer {
		ids[a.Transaction.TxID] = true
	}
	return ids
}

func (c *skyChain) disturb(r *rand.Rand) string {
	switch r.IntN(5) {
	case 0:
		c.Stop()
		c.stopped = true
		return "stopped"
	case 1:
		c.Kill()
		c.stopped = true
		return "killed"
	default:
		mode := []skynodetest.FailMode{skynodetest.FailBefore, skynodetest.FailAfter, skynodetest.FailDrop}[r.IntN(3)]
		c.FailInject(mode)
		c.failing = true
		return "made to fail: " + string(mode)
	}
}

// calm reports whether the node answers. One that fails to inject does.
func (c *skyChain) calm() bool { return !c.stopped }

func (c *skyChain) heal() {
	if c.stopped {
		c.Restart() // which also makes it inject again
	} else if c.failing {
		c.FailInject(skynodetest.FailOff)
	}
	c.stopped, c.failing = false, false
}

type output struct {
	Hash, Address, Coins string
	Hours                uint64 `json:"calculated_hours"`
}

// send pays out of the largest output that is not on its way. Hours go half to the fee, a quarter to the recipients.
func (c *skyChain) send(key cipher.SecKey, owner string, to []target) {
	var answer struct {
		Head     []output `json:"head_outputs"`
		Outgoing []output `json:"outgoing_outputs"`
	}
	c.get("/api/v1/outputs?addrs="+owner, &answer)
	var input output
	var has int64
	for _, o := range answer.Head {
		if coins := droplets(c.t, o.Coins); coins > has && o.Hours > 100 && !slices.Contains(answer.Outgoing, o) {
			input, has = o, coins
		}
	}
	need := int64(0)
	for _, p := range to {
		need += p.value.Int64()
	}
	if has <= need {
		return // all is on its way: this customer comes again
	}
	var tx coin.Transaction
	c.must(tx.PushInput(cipher.MustSHA256FromHex(input.Hash)))
	each := input.Hours / 4 / uint64(len(to))
	for _, p := range to {
		c.must(tx.PushOutput(cipher.MustDecodeBase58Address(p.address), p.value.Uint64(), each))
	}
	c.must(tx.PushOutput(cipher.MustDecodeBase58Address(owner), uint64(has-need), input.Hours/4))
	tx.SignInputs([]cipher.SecKey{key})
	c.must(tx.UpdateHeader())
	c.inject(tx.MustSerializeHex())
}

// inject cares for the answer only when the node should take it: only the chain tells.
func (c *skyChain) inject(raw string) {
	var csrf struct {
		Token string `json:"csrf_token"`
	}
	c.get("/api/v1/csrf", &csrf)
	body, err := json.Marshal(map[string]string{"rawtx": raw})
	c.must(err)
	req, err := http.NewRequest(http.MethodPost, "http://"+c.Address+"/api/v1/injectTransaction", strings.NewReader(string(body)))
	c.must(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-CSRF-Token", csrf.Token)
	resp, err := client.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusBadRequest {
		c.t.Errorf("the Skycoin node refuses a customer's transaction: %s", c.body(resp))
	}
}

func (c *skyChain) body(resp *http.Response) string {
	b := make([]byte, 500)
	n, _ := resp.Body.Read(b)
	return string(b[:n])
}

func (c *skyChain) get(path string, into any) {
	c.t.Helper()
	resp, err := client.Get("http://" + c.Address + path)
	c.must(err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("the Skycoin node says %s to %s: %s", resp.Status, path, c.body(resp))
	}
	c.must(json.NewDecoder(resp.Body).Decode(into))
}

func (c *skyChain) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// droplets reads an amount of SKY, which the node writes with six decimals.
func droplets(t *testing.T, s string) int64 {
	t.Helper()
	whole, decimals, _ := strings.Cut(s, ".")
	return atoi(t, whole+(decimals + "000000")[:6])
}
