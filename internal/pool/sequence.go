package pool

import "github.com/skycoin/teller"

// Sequence hands out the addresses of several sources, of the first as long as it has any. It is safe for concurrent
// use.
type Sequence struct{ sources []Source }

var _ Source = (*Sequence)(nil)

// NewSequence joins sources in the order in which they are used up.
func NewSequence(sources ...Source) *Sequence { return &Sequence{sources: sources} }

// Take removes the next address of the first source that has one; CodePoolEmpty when none has.
func (s *Sequence) Take() (teller.PoolAddress, error) {
	err := teller.Errorf(teller.CodePoolEmpty, "no deposit addresses are configured: set an address file or an extended public key")
	for _, source := range s.sources {
		var a teller.PoolAddress
		if a, err = source.Take(); teller.CodeOf(err) != teller.CodePoolEmpty {
			return a, err
		}
	}
	return teller.PoolAddress{}, err
}

// Return puts an address back into the source that it came from.
func (s *Sequence) Return(a teller.PoolAddress) {
	for _, source := range s.sources {
		source.Return(a) // those that it did not come from leave it alone
	}
}

// Remaining is how many addresses are left in all.
func (s *Sequence) Remaining() int {
	n := 0
	for _, source := range s.sources {
		n += source.Remaining()
	}
	return n
}

// Contains reports whether the address is one of any source's own.
func (s *Sequence) Contains(address string) bool {
	for _, source := range s.sources {
		if source.Contains(address) {
			return true
		}
	}
	return false
}

// Upcoming is each source's.
func (s *Sequence) Upcoming(f func(address string) error) error {
	for _, source := range s.sources {
		if err := source.Upcoming(f); err != nil {
			return err
		}
	}
	return nil
}
