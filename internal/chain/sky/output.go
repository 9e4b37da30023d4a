package sky

import (
	"cmp"
	"context"
	"math"
	"net/url"
	"slices"
	"strings"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

// unspentJSON is an unspent output as the node writes it.
type unspentJSON struct {
	ID      string `json:"hash"`
	Time    uint64 `json:"time"`
	Height  uint64 `json:"block_seq"`
	SrcTx   string `json:"src_tx"`
	Address string `json:"address"`
	Coins   string `json:"coins"`
	Hours   uint64 `json:"hours"`
}

// check hashes the output again and compares it with its id.
func (u unspentJSON) check() (teller.Output, error) {
	coins, err := bodyHash(u.ID, u.SrcTx, u.Address, u.Coins, u.Hours)
	if err != nil {
		return teller.Output{}, err
	}
	if u.Height > math.MaxInt64 {
		return teller.Output{}, teller.Errorf(teller.CodeMalformed, "skycoin node: output %s: block number %d is too large", u.ID, u.Height)
	}
	return teller.Output{
		SkyOutput: teller.SkyOutput{ID: u.ID, Address: u.Address, Coins: coins, Hours: u.Hours},
		SrcTx:     u.SrcTx, Height: int64(u.Height), Time: u.Time,
	}, nil
}

// bodyHash checks that an output's parts hash to its id, and returns its coins.
func bodyHash(id, srcTx, address, coins string, hours uint64) (teller.Droplets, error) {
	bad := func(err error) error {
		return teller.Errorf(teller.CodeMalformed, "skycoin node: output %q: %w", id, err)
	}
	source, err := cipher.SHA256FromHex(srcTx)
	if err != nil {
		return 0, bad(err)
	}
	owner, err := cipher.DecodeBase58Address(address)
	if err != nil {
		return 0, bad(err)
	}
	droplets, err := teller.ParseDroplets(coins)
	if err != nil {
		return 0, bad(err)
	}
	body := coin.UxBody{SrcTransaction: source, Address: owner, Coins: uint64(droplets), Hours: hours}
	if body.Hash().Hex() != id {
		return 0, teller.Errorf(teller.CodeMalformed, "skycoin node: output %q does not hash to its id", id)
	}
	return droplets, nil
}

// unspentsJSON is the answer to /outputs. What pending transactions spend and make stands in other fields, which are of
// no interest here.
type unspentsJSON struct {
	Head    headerJSON    `json:"head"`
	Outputs []unspentJSON `json:"head_outputs"`
}

// check checks all outputs against the head and the addresses that were asked for, and sorts them, oldest first.
func (a unspentsJSON) check(addresses []string) (teller.SkyHead, []teller.Output, error) {
	head, err := a.Head.check()
	if err != nil {
		return teller.SkyHead{}, nil, err
	}
	seen := make(map[string]bool, len(a.Outputs))
	wanted := make(map[string]bool, len(addresses))
	for _, s := range addresses {
		wanted[s] = true
	}
	outputs := make([]teller.Output, 0, len(a.Outputs))
	for _, u := range a.Outputs {
		o, err := u.check()
		if err != nil {
			return teller.SkyHead{}, nil, err
		}
		if !wanted[o.Address] || seen[o.ID] || o.Height > head.Height || o.Time > head.Time {
			return teller.SkyHead{}, nil, teller.Errorf(teller.CodeMalformed,
				"skycoin node: output %s is listed twice, is newer than the head, or belongs to an address that was not asked for", o.ID)
		}
		seen[o.ID] = true
		outputs = append(outputs, o)
	}
	slices.SortFunc(outputs, func(a, b teller.Output) int {
		return cmp.Or(cmp.Compare(a.Height, b.Height), cmp.Compare(a.ID, b.ID))
	})
	return head, outputs, nil
}

// longQuery is the length of a list of addresses from which it is sent as a form: not every proxy takes long URLs.
const longQuery = 2000

// Outputs are the unspent outputs of the addresses as of the returned head, oldest first, with nothing unconfirmed in
// it: neither taken away nor added.
func (n *Node) Outputs(ctx context.Context, addresses []string) (teller.SkyHead, []teller.Output, error) {
	canonical := make([]string, 0, len(addresses))
	for _, s := range addresses {
		address, err := (Addresses{}).Parse(s)
		if err != nil {
			return teller.SkyHead{}, nil, err
		}
		canonical = append(canonical, address)
	}
	if len(canonical) == 0 { // the node would answer with the outputs of everybody
		head, err := n.Head(ctx)
		return head, nil, err
	}
	var answer unspentsJSON
	if err := n.ask(ctx, "/api/v1/outputs", url.Values{"addrs": {strings.Join(canonical, ",")}}, &answer); err != nil {
		return teller.SkyHead{}, nil, err
	}
	return answer.check(canonical)
}

// ask gets a resource, with a POST when the query is too long for a URL.
func (n *Node) ask(ctx context.Context, path string, query url.Values, into any) error {
	if form := query.Encode(); len(form) > longQuery {
		return n.post(ctx, path, "application/x-www-form-urlencoded", []byte(form), into)
	}
	return n.get(ctx, path, query, into)
}
