package consensus

import (
	"iter"
	"math"

	"kuai/chain/canonical"
)

// Transfer is what a transaction of a secure network moves.
type Transfer struct {
	Sender    Address // zero for a reward or an endowment
	Recipient Address
	Amount    int64
	Reward    bool // the amount is new money
}

// Transfer returns what a payment of a secure network moves.
func (p Payment) Transfer() Transfer { return transferOf(partsOf([]byte(p.canonical))) }

// Transfers yields what each transaction of a secure network's block moves, in order.
func (b *Block) Transfers() iter.Seq[Transfer] {
	return func(yield func(Transfer) bool) {
		for _, raw := range b.Spans() {
			if !yield(transferOf(partsOf(raw))) {
				return
			}
		}
	}
}

func transferOf(p Parts) (t Transfer) {
	recipient, ok := decodeAddress(p.Recipient)
	amount, n := canonical.ScanUint(p.Amount)
	t = Transfer{Recipient: recipient, Amount: int64(amount), Reward: string(p.Sender) == RewardSender}
	if !t.Reward && ok {
		t.Sender, ok = decodeAddress(p.Sender)
	}
	if !ok || n == 0 {
		panic("consensus: a checked transaction of a secure network has an address or an amount that it cannot have")
	}
	return t
}

// Accounts are the balances at a block. An account that was never paid has 0.
type Accounts interface {
	Balance(Address) (int64, error)
	SetBalance(Address, int64)
}

// ApplyTo makes the transfers of a secure network's block, whose parent the accounts are at. In the block's order no balance goes below 0. On an error
// the accounts must be thrown away. Errors are *InvalidError, or those of the accounts.
func (b *Block) ApplyTo(accounts Accounts) error {
	for t := range b.Transfers() {
		if err := t.apply(accounts); err != nil {
			return err
		}
	}
	return nil
}

func (t Transfer) apply(accounts Accounts) error {
	if !t.Reward {
		has, err := accounts.Balance(t.Sender)
		if err != nil {
			return err
		}
		if has < t.Amount {
			return Invalid(RuleBalance, "%s pays %d and has %d", t.Sender, t.Amount, has)
		}
		accounts.SetBalance(t.Sender, has-t.Amount)
	}
	has, err := accounts.Balance(t.Recipient)
	if err != nil {
		return err
	}
	if has > math.MaxInt64-t.Amount {
		return Invalid(RuleBalance, "%s has %d and would have more than 2^63-1", t.Recipient, has)
	}
	accounts.SetBalance(t.Recipient, has+t.Amount)
	return nil
}

// RevertFrom takes back what ApplyTo did: sums need no other record than the block itself. Balances are checked when the last block is
// reverted, not between them, as an account may be below 0 within a block.
func (b *Block) RevertFrom(accounts Accounts) error {
	for t := range b.Transfers() {
		has, err := accounts.Balance(t.Recipient)
		if err != nil {
			return err
		}
		accounts.SetBalance(t.Recipient, has-t.Amount)
		if t.Reward {
			continue
		}
		if has, err = accounts.Balance(t.Sender); err != nil {
			return err
		}
		accounts.SetBalance(t.Sender, has+t.Amount)
	}
	return nil
}
