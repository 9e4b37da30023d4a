package eth

import (
	"encoding/hex"
	"strings"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/skycoin/teller"
)

const (
	prefix    = "0x"
	hexDigits = 40 // of the 20 bytes of an address
)

// Addresses implements teller.Addresses for ETH. An address is "0x" and 40 hex digits. Ethereum puts a checksum (EIP-55)
// into the case of the letters, but takes a spelling in one case as having none. Whatever was typed, the canonical
// spelling here is lower case: that is what the ledger compares and what deposits have always been recorded under. The
// zero value is ready, and safe for concurrent use.
type Addresses struct{}

var _ teller.Addresses = Addresses{}

// Parse checks an address and returns it in lower case with 0x. A mixed-case address must carry a correct EIP-55
// checksum; the zero address is refused, because nobody can have its key. All refusals are CodeInvalid.
func (Addresses) Parse(address string) (string, error) {
	digits, ok := strings.CutPrefix(address, prefix)
	if !ok {
		return "", teller.Errorf(teller.CodeInvalid, "an ETH address starts with 0x")
	}
	if len(digits) != hexDigits {
		return "", teller.Errorf(teller.CodeInvalid, "an ETH address has %d hex digits after 0x, not %d", hexDigits, len(digits))
	}
	c := classify(digits)
	switch {
	case !c.hex:
		return "", teller.Errorf(teller.CodeInvalid, "an ETH address has only the digits 0-9 and a-f after 0x")
	case c.zero:
		return "", teller.Errorf(teller.CodeInvalid, "the zero ETH address belongs to nobody")
	case !c.upper:
		return address, nil // canonical already
	}
	lower := strings.ToLower(digits)
	if c.lower && digits != checksum(lower) {
		return "", teller.Errorf(teller.CodeInvalid, "the checksum in the ETH address's letter case is wrong: copy it again, or write it in lower case")
	}
	return prefix + lower, nil
}

// spelling is what one look at the digits tells.
type spelling struct{ hex, zero, upper, lower bool }

func classify(digits string) spelling {
	s := spelling{hex: true, zero: true}
	for _, c := range []byte(digits) {
		switch {
		case c >= '0' && c <= '9':
		case c >= 'a' && c <= 'f':
			s.lower = true
		case c >= 'A' && c <= 'F':
			s.upper = true
		default:
			s.hex = false
		}
		s.zero = s.zero && c == '0'
	}
	return s
}

// checksum gives lower-case digits the letter case of EIP-55: a letter is upper case where the hex digit at its place in
// the keccak-256 of the lower-case digits is 8 or more.
func checksum(lower string) string {
	var sum [2 * 32]byte
	hex.Encode(sum[:], crypto.Keccak256([]byte(lower)))
	out := []byte(lower)
	for i, c := range out {
		if c >= 'a' && sum[i] >= '8' { // '8','9' and 'a'..'f' all sort from '8' on
			out[i] = c - 'a' + 'A'
		}
	}
	return string(out)
}
