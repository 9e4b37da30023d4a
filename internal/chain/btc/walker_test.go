package btc

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/skycoin/teller"
)

// scripts is a teller.Watched that is exact.
type scripts map[string]bool

func (s scripts) Has(key []byte) bool { return s[string(key)] }

func (s scripts) Keys() ([][]byte, bool) { return nil, false }

// everything is a teller.Watched that errs as often as it can.
type everything struct{}

func (everything) Has([]byte) bool { return true }

func (everything) Keys() ([][]byte, bool) { return nil, false }

func payTo(t testing.TB, addr string) []byte {
	t.Helper()
	script, err := mustAddresses(t, "regtest").script(addr)
	if err != nil {
		t.Fatal(err)
	}
	return script
}

// tx makes a transaction that is told apart by its lock time.
func tx(lock uint32, witness wire.TxWitness, outs ...*wire.TxOut) *wire.MsgTx {
	m := wire.NewMsgTx(2)
	in := wire.NewTxIn(&wire.OutPoint{Hash: chainhash.Hash{byte(lock)}, Index: lock}, []byte("signature"), witness)
	m.AddTxIn(in)
	for _, out := range outs {
		m.AddTxOut(out)
	}
	m.LockTime = lock
	return m
}

// block serializes a block with a true merkle root and returns its hash.
func block(t testing.TB, txs ...*wire.MsgTx) ([]byte, chainhash.Hash) {
	t.Helper()
	b := wire.NewMsgBlock(&wire.BlockHeader{Version: 4, PrevBlock: chainhash.Hash{1, 2, 3}, MerkleRoot: plainRoot(txs)})
	for _, m := range txs {
		if err := b.AddTransaction(m); err != nil {
			t.Fatal(err)
		}
	}
	var raw bytes.Buffer
	if err := b.Serialize(&raw); err != nil {
		t.Fatal(err)
	}
	return raw.Bytes(), b.BlockHash()
}

// plainRoot is the merkle root by its definition: a list of odd length repeats its last.
func plainRoot(txs []*wire.MsgTx) chainhash.Hash {
	var level []chainhash.Hash
	for _, m := range txs {
		level = append(level, m.TxHash())
	}
	for len(level) > 1 {
		if len(level)%2 == 1 {
			level = append(level, level[len(level)-1])
		}
		var up []chainhash.Hash
		for i := 0; i < len(level); i += 2 {
			up = append(up, chainhash.DoubleHashH(append(level[i].CloneBytes(), level[i+1][:]...)))
		}
		level = up
	}
	return level[0]
}

// sampleBlock has every kind of output, with and without witnesses, and two outputs to one address in a transaction.
func sampleBlock(t testing.TB) (raw []byte, hash chainhash.Hash, txs []*wire.MsgTx) {
	t.Helper()
	_, public := btcec.PrivKeyFromBytes([]byte{1})
	bareKey, err := txscript.NewScriptBuilder().AddData(public.SerializeCompressed()).AddOp(txscript.OP_CHECKSIG).Script()
	if err != nil {
		t.Fatal(err)
	}
	multisig, err := txscript.NewScriptBuilder().AddInt64(1).AddData(public.SerializeCompressed()).AddInt64(1).
		AddOp(txscript.OP_CHECKMULTISIG).Script()
	if err != nil {
		t.Fatal(err)
	}
	kinds := fiveKinds(t, "regtest", 3)
	txs = []*wire.MsgTx{
		tx(0, nil, wire.NewTxOut(50e8, bareKey), wire.NewTxOut(0, append([]byte{txscript.OP_RETURN}, 1, 2))),
		tx(1, nil, wire.NewTxOut(1, payTo(t, kinds[0])), wire.NewTxOut(2, multisig), wire.NewTxOut(3, payTo(t, kinds[0]))),
		tx(2, wire.TxWitness{[]byte("sig"), {}, bytes.Repeat([]byte{9}, 300)}, wire.NewTxOut(21e14, payTo(t, kinds[4])),
			wire.NewTxOut(5, payTo(t, kinds[3])), wire.NewTxOut(0, payTo(t, kinds[2]))),
		tx(3, nil, wire.NewTxOut(7, nil), wire.NewTxOut(8, bytes.Repeat([]byte{txscript.OP_NOP}, 70_000))),
		tx(4, wire.TxWitness{[]byte("s")}, wire.NewTxOut(6, payTo(t, kinds[1]))),
	}
	raw, hash = block(t, txs...)
	return raw, hash, txs
}

func TestReadBlockFindsWatchedOutputs(t *testing.T) {
	raw, hash, txs := sampleBlock(t)
	kinds := fiveKinds(t, "regtest", 3)
	watched := scripts{}
	for _, addr := range kinds {
		watched[string(payTo(t, addr))] = true
	}
	parent, hits, err := readBlock(raw, hash, watched)
	if err != nil {
		t.Fatal(err)
	}
	if want := (chainhash.Hash{1, 2, 3}); parent != want {
		t.Errorf("parent = %s", parent)
	}
	c := &Chain{addresses: mustAddresses(t, "regtest")}
	want := []teller.Transfer{
		{Address: kinds[0], TxID: txs[1].TxID(), N: 0, Value: teller.NewAmount(1)},
		{Address: kinds[0], TxID: txs[1].TxID(), N: 2, Value: teller.NewAmount(3)},
		{Address: kinds[4], TxID: txs[2].TxID(), N: 0, Value: teller.NewAmount(21e14)},
		{Address: kinds[3], TxID: txs[2].TxID(), N: 1, Value: teller.NewAmount(5)},
		{Address: kinds[2], TxID: txs[2].TxID(), N: 2, Value: teller.NewAmount(0)},
		{Address: kinds[1], TxID: txs[4].TxID(), N: 0, Value: teller.NewAmount(6)},
	}
	if got := c.transfers(hits); !reflect.DeepEqual(got, want) {
		t.Errorf("transfers = %+v\nwant %+v", got, want)
	}
	// a false hit of the watched set, on bare keys, multisig and OP_RETURN, adds nothing
	_, hits, err = readBlock(raw, hash, everything{})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.transfers(hits); !reflect.DeepEqual(got, want) {
		t.Errorf("transfers with false hits = %+v\nwant %+v", got, want)
	}
}

// longScript tells whether a position is well inside the sample block's very long script, of which the ends will do.
func longScript(raw []byte) func(at int) bool {
	start := bytes.Index(raw, bytes.Repeat([]byte{txscript.OP_NOP}, 1000))
	return func(at int) bool { return at > start+100 && at < start+69_900 }
}

func TestReadBlockRefusesEveryTruncation(t *testing.T) {
	raw, hash, _ := sampleBlock(t)
	long := longScript(raw)
	for n := range raw {
		if long(n) {
			continue
		}
		if _, _, err := readBlock(raw[:n], hash, everything{}); err == nil {
			t.Fatalf("the first %d of %d bytes pass", n, len(raw))
		}
	}
}

func TestReadBlockRefusesEveryChangedByte(t *testing.T) {
	raw, hash, txs := sampleBlock(t)
	_, want, err := readBlock(raw, hash, everything{})
	if err != nil {
		t.Fatal(err)
	}
	long := longScript(raw)
	passed := 0
	for i := range raw {
		if long(i) {
			continue
		}
		changed := bytes.Clone(raw)
		changed[i] ^= 0x40
		_, got, err := readBlock(changed, hash, everything{})
		if err != nil {
			continue
		}
		passed++ // only a witness is not committed to by the merkle root
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("byte %d changed, and the outputs with it", i)
		}
	}
	witnesses := 0
	for _, m := range txs {
		witnesses += m.SerializeSize() - m.SerializeSizeStripped()
	}
	if passed > witnesses {
		t.Errorf("%d changed bytes pass, but there are only %d of witnesses", passed, witnesses)
	}
}

func TestReadBlockRefuses(t *testing.T) {
	one := tx(1, nil, wire.NewTxOut(1, []byte{1}))
	two := tx(2, nil, wire.NewTxOut(2, []byte{2}))
	three := tx(3, nil, wire.NewTxOut(3, []byte{3}))
	plain, hash := block(t, one, two, three)
	mutated, mutatedHash := block(t, one, two, three, three)
	if hash != mutatedHash {
		t.Fatal("a repeated last transaction should not change the root")
	}
	negative, negativeHash := block(t, tx(1, nil, wire.NewTxOut(-1, nil)))
	much, muchHash := block(t, tx(1, nil, wire.NewTxOut(21e14+1, nil)))
	other, _ := block(t, two)
	header := plain[:wire.MaxBlockHeaderPayload]
	with := func(tail ...byte) []byte { return append(bytes.Clone(header), tail...) }
	for name, tc := range map[string]struct {
		raw  []byte
		hash chainhash.Hash
		says string
	}{
		"empty":              {nil, hash, "header"},
		"another block":      {other, hash, "another block"},
		"bytes left":         {append(bytes.Clone(plain), 0), hash, "1 bytes after"},
		"repeated":           {mutated, hash, "repeated"},
		"without the last":   {append(with(2), plain[len(header)+1:len(plain)-three.SerializeSize()]...), hash, "not those"},
		"no transaction":     {with(0), hash, "no transaction"},
		"absurd count":       {with(0xff, 255, 255, 255, 255, 255, 255, 255, 255), hash, "cut off"},
		"absurd inputs":      {with(1, 1, 0, 0, 0, 0xfe, 255, 255, 255, 255), hash, "cut off"},
		"absurd script":      {append(with(1, 1, 0, 0, 0, 1), append(make([]byte, 36), 0xff, 0, 0, 0, 0, 0, 0, 0, 0x80)...), hash, "cut off"},
		"long number":        {with(0xfd, 1, 0), hash, "shortest form"},
		"negative value":     {negative, negativeHash, "-1 satoshi"},
		"more than exists":   {much, muchHash, "satoshi"},
		"segwit flag":        {with(1, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0), hash, "segwit flag 2"},
		"segwit, no witness": {with(1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0), hash, "without a witness"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := readBlock(tc.raw, tc.hash, everything{})
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("err = %v, want %q", err, tc.says)
			}
		})
	}
}

// FuzzBlock holds the walker against btcd's own parser: both read the same, or both refuse.
func FuzzBlock(f *testing.F) {
	small, _ := block(f, tx(0, nil, wire.NewTxOut(50e8, []byte{1, 2, 3})),
		tx(1, wire.TxWitness{{1}, {}}, wire.NewTxOut(1, payTo(f, fiveKinds(f, "regtest", 3)[0])), wire.NewTxOut(2, nil)))
	for _, n := range []int{len(small), len(small) - 1, len(small) / 2, 100, 81, 80, 10, 0} {
		f.Add(small[:n])
	}
	f.Add(append(bytes.Clone(small), 7))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) < wire.MaxBlockHeaderPayload || len(raw) > 1<<20 {
			return
		}
		var got []string
		ids, err := walk(raw[wire.MaxBlockHeaderPayload:], func(tx int, n uint32, value uint64, script []byte) {
			got = append(got, fmt.Sprintf("%d:%d %d %x", tx, n, value, script))
		})
		var parsed wire.MsgBlock
		r := bytes.NewReader(raw)
		valid := parsed.Deserialize(r) == nil && r.Len() == 0 && len(parsed.Transactions) > 0
		var want []string
		for i, m := range parsed.Transactions {
			for n, out := range m.TxOut {
				valid = valid && out.Value >= 0 && out.Value <= maxValue
				want = append(want, fmt.Sprintf("%d:%d %d %x", i, n, out.Value, out.PkScript))
			}
		}
		if valid != (err == nil) {
			t.Fatalf("valid is %t, and the walker says %v", valid, err)
		}
		if !valid {
			return
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("outputs %v\nwant %v", got, want)
		}
		for i, m := range parsed.Transactions {
			if ids[i] != m.TxHash() {
				t.Fatalf("transaction %d has the id %s, want %s", i, ids[i], m.TxHash())
			}
		}
		_, hits, err := readBlock(raw, parsed.BlockHash(), everything{})
		if err == nil && (plainRoot(parsed.Transactions) != parsed.Header.MerkleRoot || len(hits) != len(want)) {
			t.Fatalf("%d of %d outputs, or a merkle root that is wrong, pass", len(hits), len(want))
		}
	})
}

func BenchmarkBlock(b *testing.B) {
	raw, hash, watched := bigBlock(b)
	b.Run("walker", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			if _, hits, err := readBlock(raw, hash, watched); err != nil || len(hits) != 9 {
				b.Fatal(len(hits), err)
			}
		}
	})
	b.Run("wire", func(b *testing.B) { // no merkle root, and the ids of the hits only
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			var parsed wire.MsgBlock
			if err := parsed.Deserialize(bytes.NewReader(raw)); err != nil {
				b.Fatal(err)
			}
			var ids []chainhash.Hash
			for _, m := range parsed.Transactions {
				for _, out := range m.TxOut {
					if watched.Has(out.PkScript) {
						ids = append(ids, m.TxHash())
					}
				}
			}
			if len(ids) != 9 {
				b.Fatal(len(ids))
			}
		}
	})
}

// bigBlock is 1 MB with 9,000 outputs, nine of them to 1,000 watched scripts.
func bigBlock(t testing.TB) ([]byte, chainhash.Hash, scripts) {
	script := func(i int) []byte {
		s := payTo(t, fiveKinds(t, "regtest", 1)[2])
		s[2], s[3], s[4] = byte(i), byte(i>>8), byte(i>>16)
		return s
	}
	watched := scripts{}
	for i := range 1000 {
		watched[string(script(i*1000))] = true
	}
	var txs []*wire.MsgTx
	for i := range 3000 {
		m := tx(uint32(i), wire.TxWitness{make([]byte, 72), make([]byte, 33)})
		m.TxIn[0].SignatureScript = make([]byte, 42)
		for n := range 3 {
			m.AddTxOut(wire.NewTxOut(int64(i), script(3*i+n)))
		}
		txs = append(txs, m)
	}
	raw, hash := block(t, txs...)
	return raw, hash, watched
}
