package bolt

import (
	"slices"
	"strings"

	"github.com/skycoin/teller"
)

// fold gives a coin's address its canonical spelling where it may have several: databases of the original have whatever
// was in its address files. Every other text it leaves alone.
func fold(c teller.Coin, address string) string {
	switch c {
	case teller.BTC:
		return foldBech32(address)
	case teller.ETH:
		return foldHex(address)
	}
	return address
}

// foldHex spells an ETH address in lower case. Most often it has the checksum of EIP-55 in the case of its letters.
func foldHex(address string) string {
	const prefix, digits = "0x", 40
	rest, ok := strings.CutPrefix(address, prefix)
	if !ok || len(rest) != digits || strings.Trim(rest, "0123456789abcdefABCDEF") != "" {
		return address
	}
	return prefix + strings.ToLower(rest)
}

// bech32Networks begin the bech32 addresses of Bitcoin's networks.
var bech32Networks = []string{"bc", "tb", "bcrt", "sb"}

// foldBech32 spells a bech32 address in lower case. Upper case, which QR codes like, is the other valid spelling; a mixed
// one is invalid. In base58, the other kind of BTC address, the case matters.
func foldBech32(address string) string {
	if strings.ToUpper(address) != address {
		return address
	}
	lower := strings.ToLower(address)
	network, data, ok := strings.Cut(lower, "1")
	if !ok || !slices.Contains(bech32Networks, network) || strings.Trim(data, "qpzry9x8gf2tvdw0s3jn54khce6mua7l") != "" {
		return address
	}
	return lower
}

// foldBindings spells all bound and used addresses of a coin canonically, and returns the bindings whose spelling it
// changed, and how many of them had been there in another spelling as well.
func (t *txn) foldBindings(c teller.Coin) (changed []teller.Binding, merged int, err error) {
	for _, old := range t.unfolded(c, bindBucket(c)) {
		b, _, err := t.binding(c, old)
		if err != nil {
			return nil, 0, err
		}
		b.Address = fold(c, old)
		twin, ok, err := t.binding(c, b.Address)
		if err != nil {
			return nil, 0, err
		}
		if ok && twin.SkyAddress != b.SkyAddress {
			return nil, 0, teller.Errorf(teller.CodeCorrupt,
				"%s address %s is bound twice: as %s to %s, and in another spelling to %s; ask both buyers, and remove one of the two bindings with a bolt editor",
				c, b.Address, old, b.SkyAddress, twin.SkyAddress)
		}
		t.del(bindBucket(c), []byte(old))
		if ok {
			b = twin
			merged++
		} else {
			t.putJSON(bindBucket(c), []byte(b.Address), toBindingRow(b))
		}
		changed = append(changed, b)
	}
	for _, old := range t.unfolded(c, usedBucket(c)) {
		t.del(usedBucket(c), []byte(old))
		t.put(usedBucket(c), []byte(fold(c, old)), nil)
	}
	return changed, merged, nil
}

// unfolded lists a bucket's keys that are spelt otherwise than fold does.
func (t *txn) unfolded(c teller.Coin, bucket string) (keys []string) {
	_ = t.each(bucket, nil, nil, func(k, _ []byte) (bool, error) {
		if key := string(k); fold(c, key) != key {
			keys = append(keys, key)
		}
		return true, nil
	})
	return keys
}
