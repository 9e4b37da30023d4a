package bolt

import (
	"strings"

	"github.com/skycoin/teller"
)

// fold gives an ETH address its canonical spelling, which is lower case: databases of the original have whatever was in
// its address files, most often with the checksum of EIP-55 in the case of the letters. Every other text it leaves alone:
// no other coin's address begins with 0x.
func fold(address string) string {
	const prefix, digits = "0x", 40
	rest, ok := strings.CutPrefix(address, prefix)
	if !ok || len(rest) != digits || strings.Trim(rest, "0123456789abcdefABCDEF") != "" {
		return address
	}
	return prefix + strings.ToLower(rest)
}

// foldETH spells all bound and used ETH addresses canonically, and returns the bindings whose spelling it changed, and
// how many of them had been there in another spelling as well.
func (t *txn) foldETH() (changed []teller.Binding, merged int, err error) {
	for _, old := range t.unfolded(bindBucket(teller.ETH)) {
		b, _, err := t.binding(teller.ETH, old)
		if err != nil {
			return nil, 0, err
		}
		b.Address = fold(old)
		twin, ok, err := t.binding(teller.ETH, b.Address)
		if err != nil {
			return nil, 0, err
		}
		if ok && twin.SkyAddress != b.SkyAddress {
			return nil, 0, teller.Errorf(teller.CodeCorrupt,
				"ETH address %s is bound twice: as %s to %s, and in another spelling to %s; ask both buyers, and remove one of the two bindings with a bolt editor",
				b.Address, old, b.SkyAddress, twin.SkyAddress)
		}
		t.del(bindBucket(teller.ETH), []byte(old))
		if ok {
			b = twin
			merged++
		} else {
			t.putJSON(bindBucket(teller.ETH), []byte(b.Address), toBindingRow(b))
		}
		changed = append(changed, b)
	}
	for _, old := range t.unfolded(usedBucket(teller.ETH)) {
		t.del(usedBucket(teller.ETH), []byte(old))
		t.put(usedBucket(teller.ETH), []byte(fold(old)), nil)
	}
	return changed, merged, nil
}

// unfolded lists a bucket's keys that are spelt otherwise than fold does.
func (t *txn) unfolded(bucket string) (keys []string) {
	_ = t.each(bucket, nil, nil, func(k, _ []byte) (bool, error) {
		if key := string(k); fold(key) != key {
			keys = append(keys, key)
		}
		return true, nil
	})
	return keys
}
