package crashtest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/skycoin/skycoin/src/cipher"
)

// maxBound is how many addresses one buyer may have.
const maxBound = 4

// capReached is the only refusal of a bind that buyers meet in good order.
const capReached = "The maximum number of addresses have been assigned to this SKY address"

// buyers is what all buyers together know: which addresses they were told.
type buyers struct {
	public string
	seed   uint64

	mu      sync.Mutex
	all     []string            // SKY addresses
	owner   map[string]string   // deposit address -> SKY address
	bound   map[string][]string // coin -> deposit addresses, in the order of the answers
	cutOff  int                 // binds without an answer
	refused map[string]int      // by what teller said
	wrong   []string            // what must never be answered
}

func newBuyers(public string, seed uint64) *buyers {
	return &buyers{
		public: public, seed: seed,
		owner: make(map[string]string), bound: make(map[string][]string), refused: make(map[string]int),
	}
}

// draw picks somebody who binds: every third time somebody new.
func (b *buyers) draw(r *rand.Rand) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.all) == 0 || r.IntN(3) == 0 {
		public, _ := cipher.MustGenerateDeterministicKeyPair(fmt.Appendf(nil, "buyer %d %d", b.seed, len(b.all)))
		b.all = append(b.all, cipher.AddressFromPubKey(public).String())
		return b.all[len(b.all)-1]
	}
	return b.all[r.IntN(len(b.all))]
}

// bind asks for an address. It may be cut off; then nobody knows whether one was bound.
func (b *buyers) bind(buyer, coin string) {
	answer, err := b.post(buyer, coin)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err != nil:
		b.cutOff++
	case answer.status != http.StatusOK:
		b.refused[answer.text]++
	case b.owner[answer.address] != "":
		b.wrong = append(b.wrong, fmt.Sprintf("%s address %s was answered to %s and to %s", coin, answer.address, b.owner[answer.address], buyer))
	case answer.address == "":
		b.wrong = append(b.wrong, "a bind was answered without an address")
	default:
		b.owner[answer.address] = buyer
		b.bound[coin] = append(b.bound[coin], answer.address)
	}
}

type bindAnswer struct {
	status  int
	text    string
	address string
}

func (b *buyers) post(buyer, coin string) (bindAnswer, error) {
	resp, err := client.Post(b.public+"/api/bind", "application/json", strings.NewReader(fmt.Sprintf(`{"skyaddr":%q,"coin_type":%q}`, buyer, coin)))
	if err != nil {
		return bindAnswer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return bindAnswer{status: resp.StatusCode, text: strings.TrimSpace(string(body))}, err
	}
	var answer struct {
		Address string `json:"deposit_address"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return bindAnswer{}, err
	}
	return bindAnswer{status: resp.StatusCode, address: answer.Address}, nil
}

// addresses are all that were answered for a coin.
func (b *buyers) addresses(coin string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.bound[coin])
}

func (b *buyers) owners() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.owner)
}

func (b *buyers) everybody() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.all)
}

// statuses asks how a buyer's deposits stand.
func (b *buyers) statuses(buyer string) ([]statusEntry, error) {
	resp, err := client.Get(b.public + "/api/status?skyaddr=" + buyer)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the status of %s: %s", buyer, resp.Status)
	}
	var answer struct{ Statuses []statusEntry }
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.Statuses, err
}
