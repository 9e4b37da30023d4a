package c2cxsim

import (
	"slices"

	"github.com/skycoin/teller"
)

// Account is what a customer holds, with what open orders have reserved. The secret is not in it.
type Account struct {
	Key string  `json:"key"`
	BTC Decimal `json:"btc"`
	SKY Decimal `json:"sky"`
	// InBTC and InSKY are all that was paid in, less what was withdrawn.
	InBTC Decimal `json:"in_btc"`
	InSKY Decimal `json:"in_sky"`
	// FrozenBTC is what open orders have reserved.
	FrozenBTC Decimal `json:"frozen_btc"`
}

// Deposit pays coins ("btc" or "sky") into an account, or withdraws them when the amount is negative. CodeInvalid when
// there is no such account or not so much that is not reserved. Orders that waited for the coins go on.
func (s *Server) Deposit(key, coin string, amount Decimal) error {
	return s.change(func() error {
		account, err := s.account(key)
		if err != nil {
			return err
		}
		return s.deposit(account, coin, amount)
	})
}

// SetSpendable makes an account able to spend exactly so many BTC.
func (s *Server) SetSpendable(key string, amount Decimal) error {
	return s.change(func() error {
		account, err := s.account(key)
		if err != nil {
			return err
		}
		return s.deposit(account, "btc", amount.sub(account.BTC.sub(s.frozen(account))))
	})
}

func (s *Server) account(key string) (*Account, error) {
	if account := s.accounts[key]; account != nil {
		return account, nil
	}
	return nil, teller.Errorf(teller.CodeInvalid, "there is no account with this key")
}

func (s *Server) deposit(account *Account, coin string, amount Decimal) error {
	switch coin {
	case "btc":
		if account.BTC.sub(s.frozen(account)).add(amount).Sign() < 0 {
			return teller.Errorf(teller.CodeInvalid, "there are no %s btc to withdraw", amount)
		}
		account.BTC, account.InBTC = account.BTC.add(amount), account.InBTC.add(amount)
	case "sky":
		if account.SKY.add(amount).Sign() < 0 {
			return teller.Errorf(teller.CodeInvalid, "there are no %s sky to withdraw", amount)
		}
		account.SKY, account.InSKY = account.SKY.add(amount), account.InSKY.add(amount)
	default:
		return teller.Errorf(teller.CodeInvalid, "%.60q is neither btc nor sky", coin)
	}
	s.touched.accounts[account.Key] = true
	s.payWaiting(account)
	return nil
}

// payWaiting activates orders that were suspended for want of coins, the oldest first.
func (s *Server) payWaiting(account *Account) {
	for _, o := range slices.Clone(s.live) {
		if o.Account != account.Key || !o.Unpaid {
			continue
		}
		if account.BTC.sub(s.frozen(account)).Cmp(o.Price.mul(o.Quantity)) < 0 {
			return
		}
		o.Unpaid = false
		s.setStatus(o, Active)
		s.match(o, nil)
	}
}

// frozen is what an account's open orders have reserved.
func (s *Server) frozen(account *Account) Decimal {
	var sum Decimal
	for _, o := range s.live {
		if o.Account == account.Key {
			sum = sum.add(o.reserved())
		}
	}
	return sum
}

// Account returns one; false when there is none with the key.
func (s *Server) Account(key string) (Account, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	account, ok := s.accounts[key]
	if !ok {
		return Account{}, false
	}
	return s.describe(account), true
}

// Accounts returns all, in the order of their keys.
func (s *Server) Accounts() []Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.allAccounts()
}

func (s *Server) allAccounts() []Account {
	all := make([]Account, 0, len(s.accounts))
	for _, key := range sortedKeys(s.accounts) {
		all = append(all, s.describe(s.accounts[key]))
	}
	return all
}

func (s *Server) describe(account *Account) Account {
	d := *account
	d.FrozenBTC = s.frozen(account)
	return d
}
