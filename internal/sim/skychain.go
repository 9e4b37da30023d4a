package sim

import (
	"maps"
	"slices"

	"github.com/skycoin/skycoin/src/cipher"
	"github.com/skycoin/skycoin/src/coin"

	"github.com/skycoin/teller"
)

// skyTx is a transaction of the Skycoin network.
type skyTx struct {
	teller.SkyTx
	height int64 // of its block, -1 before
	sealed int   // the world's version since when a block holds it
	heard  int   // the world's version since when the engine's node knows of it without a break, -1 = it does not
}

// skyChain is the Skycoin network, whose chain does not fork, and the one node of it that the engine asks. It holds
// transactions to the rules that decide about money: inputs exist and are spent once, and coins are neither made nor
// lost. Signatures and hours were verified by the wallet with Skycoin's own code.
type skyChain struct {
	w       *world
	wallet  []string // the hot wallet's addresses
	blocks  []teller.SkyBlock
	unspent map[string]teller.Output
	spent   map[string]teller.Output
	txs     map[string]*skyTx
	pool    []*skyTx        // what the network wants to mine, in the order of arrival
	known   map[string]bool // of the pool, what the engine's node has heard of
	lag     int             // blocks that the engine's node lacks
	faucet  []string        // outputs from which buyers and the operator pay
	pays    []*payment      // deposits in SKY
}

// faucetAddress is where the coins of everybody else are.
var faucetAddress = skyAddress(0xfa)

// skyAddress makes a valid address that nobody has the key of.
func skyAddress(n int) string {
	var a cipher.Address
	a.Key[0], a.Key[1] = byte(n>>8), byte(n)
	return a.String()
}

func newSkyChain(w *world, wallet []string) *skyChain {
	s := &skyChain{
		w: w, wallet: wallet, unspent: make(map[string]teller.Output), spent: make(map[string]teller.Output),
		txs: make(map[string]*skyTx), known: make(map[string]bool),
	}
	s.blocks = []teller.SkyBlock{{BlockRef: teller.BlockRef{Hash: "sky-genesis"}, Time: uint64(w.now.Unix())}}
	var pay []teller.Recipient
	for range 200 {
		pay = append(pay, teller.Recipient{Address: faucetAddress, Coins: 100_000 * teller.DropletsPerSKY})
	}
	s.confirm(s.transaction(nil, pay))
	return s
}

func (s *skyChain) head() teller.SkyBlock { return s.blocks[len(s.blocks)-1] }

// transaction makes one of somebody else's. The same sum to the same address twice is two different outputs here.
func (s *skyChain) transaction(inputs []string, pay []teller.Recipient) *skyTx {
	tx := &skyTx{height: -1, heard: -1}
	tx.ID, tx.Inputs = s.w.id(), inputs
	source := cipher.MustSHA256FromHex(tx.ID)
	for i, r := range pay {
		address := cipher.MustDecodeBase58Address(r.Address)
		out := coin.TransactionOutput{Address: address, Coins: uint64(r.Coins), Hours: uint64(1_000_000 + i)}
		tx.Outputs = append(tx.Outputs, teller.SkyOutput{
			ID: out.UxID(source).Hex(), Address: r.Address, Coins: r.Coins, Hours: out.Hours,
		})
	}
	s.txs[tx.ID] = tx
	return tx
}

// give pays from the faucet.
func (s *skyChain) give(pay ...teller.Recipient) *skyTx {
	tx := s.gift(pay...)
	s.offer(tx)
	return tx
}

// gift makes a transaction that pays from the faucet.
func (s *skyChain) gift(pay ...teller.Recipient) *skyTx {
	from := s.unspent[s.faucet[0]]
	s.faucet = s.faucet[1:]
	rest := from.Coins
	for _, r := range pay {
		rest -= r.Coins
	}
	return s.transaction([]string{from.ID}, append(pay, teller.Recipient{Address: faucetAddress, Coins: rest}))
}

// offer brings a transaction to the network; the engine's node hears of it, mostly.
func (s *skyChain) offer(tx *skyTx) {
	s.pool = append(s.pool, tx)
	s.known[tx.ID] = !s.w.chance(200)
	if s.known[tx.ID] {
		tx.heard = s.w.version
	}
}

// inject takes bytes from the engine. The node's words do not tell whether it has taken them.
func (s *skyChain) inject(raw []byte) error {
	txn, err := coin.DeserializeTransaction(raw)
	if err != nil {
		return teller.Errorf(teller.CodeInvalid, "not a transaction: %w", err)
	}
	id := txn.Hash().Hex()
	tx := s.txs[id]
	if tx == nil {
		tx = &skyTx{height: -1}
		tx.ID = id
		for _, in := range txn.In {
			tx.Inputs = append(tx.Inputs, in.Hex())
		}
		for _, out := range txn.Out {
			tx.Outputs = append(tx.Outputs, teller.SkyOutput{
				ID: out.UxID(txn.Hash()).Hex(), Address: out.Address.String(), Coins: teller.Droplets(out.Coins), Hours: out.Hours,
			})
		}
	}
	s.w.model.injected(tx)
	if tx.height >= 0 || !s.valid(tx) {
		return teller.Errorf(teller.CodeInvalid, "violates hard constraint: unspent output does not exist")
	}
	s.txs[id] = tx
	if !slices.Contains(s.pool, tx) {
		s.pool = append(s.pool, tx)
	}
	s.known[id] = true
	if s.w.faults.height > 0 && s.w.chance(100) {
		return teller.Errorf(teller.CodeUnavailable, "503: no connections to broadcast to")
	}
	return nil
}

// valid reports whether the chain could take the transaction now.
func (s *skyChain) valid(tx *skyTx) bool {
	var in, out teller.Droplets
	seen := make(map[string]bool)
	for _, id := range tx.Inputs {
		o, ok := s.unspent[id]
		if !ok || seen[id] {
			return false
		}
		seen[id] = true
		in += o.Coins
	}
	for _, o := range tx.Outputs {
		out += o.Coins
	}
	return in == out
}

// mine puts what is pending into a block, if there is anything; each is left out with a chance in 1000.
func (s *skyChain) mine(take int) {
	var txs []*skyTx
	var left []*skyTx
	if s.w.chance(300) {
		s.w.rng.Shuffle(len(s.pool), func(i, j int) { s.pool[i], s.pool[j] = s.pool[j], s.pool[i] })
	}
	for _, tx := range s.pool {
		switch {
		case !s.w.chance(take):
			left = append(left, tx)
		case s.valid(tx):
			s.spend(tx)
			txs = append(txs, tx)
		}
	}
	s.pool = left
	if len(txs) > 0 {
		s.seal(txs)
	}
}

// confirm makes a block of one transaction, ahead of all others.
func (s *skyChain) confirm(tx *skyTx) {
	s.pool = slices.DeleteFunc(s.pool, func(other *skyTx) bool { return other == tx })
	if s.valid(tx) || len(tx.Inputs) == 0 {
		s.spend(tx)
		s.seal([]*skyTx{tx})
	}
}

func (s *skyChain) spend(tx *skyTx) {
	for _, id := range tx.Inputs {
		s.spent[id] = s.unspent[id]
		delete(s.unspent, id)
	}
}

func (s *skyChain) seal(txs []*skyTx) {
	head := s.head()
	b := teller.SkyBlock{
		BlockRef: teller.BlockRef{Height: head.Height + 1, Hash: s.w.id()}, Parent: head.Hash,
		Time: max(head.Time+10, uint64(s.w.now.Unix())),
	}
	for _, tx := range txs {
		tx.height, tx.sealed = b.Height, s.w.version+1
		b.Txs = append(b.Txs, tx.SkyTx)
		for _, o := range tx.Outputs {
			s.unspent[o.ID] = teller.Output{SkyOutput: o, SrcTx: tx.ID, Height: b.Height, Time: b.Time}
			if o.Address == faucetAddress {
				s.faucet = append(s.faucet, o.ID)
			}
		}
		s.w.note("skycoin: block %d holds %s", b.Height, hashEnd(tx.ID))
	}
	s.blocks = append(s.blocks, b)
	for _, p := range s.pays {
		if tx := s.txs[p.TxID]; p.height < 0 && tx.height >= 0 {
			p.height = tx.height
		}
	}
	if s.w.model != nil {
		s.w.model.sealed(txs)
		s.w.changed()
	}
}

// own are the unspent outputs of the hot wallet, in the order of their ids.
func (s *skyChain) own() []teller.Output {
	var outs []teller.Output
	for _, id := range slices.Sorted(maps.Keys(s.unspent)) {
		if o := s.unspent[id]; slices.Contains(s.wallet, o.Address) {
			outs = append(outs, o)
		}
	}
	return outs
}

// withdraw is somebody else with the wallet's keys, who pays to an address out of one of the outputs. The engine's node may
// not hear of it before it is in a block. nil when no output is large enough.
func (s *skyChain) withdraw(from []teller.Output, to string, coins teller.Droplets) *skyTx {
	s.w.rng.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
	for _, o := range from {
		if o.Coins <= coins {
			continue
		}
		tx := s.transaction([]string{o.ID}, []teller.Recipient{{Address: to, Coins: coins}, {Address: s.wallet[0], Coins: o.Coins - coins}})
		s.w.note("skycoin: withdrawal %s pays %s SKY to %s", hashEnd(tx.ID), coins, to)
		s.w.model.withdrew(tx, to, coins)
		if s.w.chance(300) {
			s.confirm(tx)
		} else {
			s.offer(tx)
			s.w.changed()
		}
		return tx
	}
	return nil
}

// spentBy are the unspent outputs of the hot wallet that a transaction spends, or all others.
func (s *skyChain) spentBy(tx *skyTx, others bool) []teller.Output {
	return slices.DeleteFunc(s.own(), func(o teller.Output) bool { return slices.Contains(tx.Inputs, o.ID) == others })
}

// compete is a withdrawal that spends what a pending payout of the engine spends, and pays one of the same buyers.
func (s *skyChain) compete() {
	for _, tx := range s.pool {
		if s.w.model.payouts[tx.ID] == nil {
			continue
		}
		var inputs []teller.Output
		for _, id := range tx.Inputs {
			if o, ok := s.unspent[id]; ok {
				inputs = append(inputs, o)
			}
		}
		to := pick(s.w, tx.Outputs)
		if len(inputs) > 0 && !slices.Contains(s.wallet, to.Address) {
			s.withdraw(inputs, to.Address, to.Coins)
			return
		}
	}
}

// trouble is what may befall the engine's Skycoin node.
func (s *skyChain) trouble() {
	switch s.w.between(0, 4) {
	case 0:
		s.w.node("node")
	case 1: // it restarts, and has forgotten what is not in a block
		s.w.note("skycoin: the node restarts")
		s.known = make(map[string]bool)
		for _, tx := range s.txs {
			tx.heard = -1
		}
	case 2: // the network forgets, too
		s.w.note("skycoin: the network forgets %d transactions", len(s.pool))
		for _, tx := range s.pool {
			tx.heard = -1
		}
		s.pool = nil
	default:
		s.lag = s.w.between(0, 3)
		s.w.note("skycoin: the node lacks %d blocks", s.lag)
	}
}
