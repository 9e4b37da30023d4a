package bolt

import (
	"encoding/json"

	"github.com/skycoin/teller"
)

// checkBindings holds the bindings against the lists of their SKY addresses, and proves that each is there once (I9).
func (v *verifier) checkBindings() error {
	bound := 0
	for _, c := range teller.Coins {
		err := v.rows(bindBucket(c), func(k, raw []byte) error {
			bound++
			if _, err := decodeBinding(c, string(k), raw); err != nil {
				v.find(findBindings, "The binding of %s address %s can not be read.", c, k)
			}
			if v.get(usedBucket(c), k) == nil {
				v.find(findBindings, "%s address %s is bound, but not noted as used.", c, k)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	listed, err := v.checkLists()
	if err != nil || listed >= bound {
		return err
	}
	return v.findUnlisted()
}

// checkLists looks at what is listed for each SKY address, and returns how many bindings are there where they belong. A
// database of the original may list what it never bound.
func (v *verifier) checkLists() (listed int, err error) {
	imported := v.get(bucketMeta, []byte(metaImported)) != nil
	err = v.rows(bucketSkyIndex, func(sky, raw []byte) error {
		var list []bindingRow
		if err := json.Unmarshal(raw, &list); err != nil {
			v.find(findBindings, "The list of SKY address %s can not be read.", sky)
			return nil
		}
		seen := make(map[string]bool, len(list))
		for _, row := range list {
			key := string(textKey(string(row.CoinType), row.Address))
			b, ok, err := v.binding(row.CoinType, row.Address)
			switch {
			case seen[key]:
				v.find(findBindings, "%s address %s is listed twice for SKY address %s.", row.CoinType, row.Address, sky)
			case err == nil && ok && b.SkyAddress == string(sky):
				listed++
			case ok || !imported:
				v.find(findBindings, "%s address %s is listed for SKY address %s, but bound to %q.", row.CoinType, row.Address, sky, b.SkyAddress)
			}
			seen[key] = true
		}
		return nil
	})
	return listed, err
}

// findUnlisted looks for the bindings that the list of their SKY address lacks.
func (v *verifier) findUnlisted() error {
	for _, c := range teller.Coins {
		err := v.rows(bindBucket(c), func(k, _ []byte) error {
			b, ok, err := v.binding(c, string(k))
			if err != nil || !ok {
				return nil //nolint:nilerr // it was told before
			}
			list, err := v.bindingsOf(b.SkyAddress)
			if err != nil {
				return nil //nolint:nilerr // it was told before
			}
			for _, row := range list {
				if row.CoinType == c && row.Address == b.Address {
					return nil
				}
			}
			v.find(findBindings, "%s address %s is bound to SKY address %s, whose list lacks it.", c, k, b.SkyAddress)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
