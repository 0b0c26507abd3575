package consensus

import (
	"crypto/sha256"
	"fmt"
	"time"
	"unicode/utf8"

	"kuai/chain/canonical"
)

// RewardSender is the sender of a block's reward.
const RewardSender = "0"

// Bounds that every network shares, because they come from the number types of those who read the chain.
const (
	MaxProof     = 1 << 53 // exclusive: what a float64, and so a JavaScript reader, counts without gaps
	MaxTimestamp = 1 << 53 // exclusive: seconds with at least whole ones told apart in a float64
	MaxZeros     = 16      // 64 bits: far past what can be searched, and a proof is below 2^53
)

// Limits of the classic network.
const (
	ClassicBlockBytes        = 256 << 10     // a gossip message that crosses a slow link in a second
	ClassicBlockTransactions = 2000          // what fits in ClassicBlockBytes at the usual 130 bytes a payment
	ClassicTransactionBytes  = 4 << 10       // two names of the longest kind, every character escaped, fit
	ClassicNameBytes         = 256           // a name or a key's text form, and not a file
	ClassicAhead             = 2 * time.Hour // an hour's clock error at either end: time zones mistaken, summer time missed
)

// Profile names the set of checks that a block and a payment pass. The numbers in them are the other fields of Rules.
type Profile string

// The profiles.
const (
	ProfileClassic Profile = "classic" // the tutorial's: a proof covers the parent alone, payments are not signed
	ProfileSecure  Profile = "secure"  // a proof covers its block, payments are signed and covered, the target moves
)

// Rules is one network as data: its genesis, its proof, its limits. Read-only after Classic, Secure, Dev or ReadRules.
type Rules struct {
	Name    string // for people
	Profile Profile
	Version int              // rules version, part of the network id
	Genesis *Block           // of a secure network, with the endowments
	Reward  canonical.Number // amount of a block's reward

	Zeros int // hex zeros that a proof's hash starts with; classic networks only

	// What follows is of secure networks only.
	BlockTime time.Duration // that a block takes in the mean, whole seconds
	First     Target        // of the second block
	Easiest   Target        // no target is easier; MaxTarget on every network but in tests

	MaxBlockBytes        int
	MaxBlockTransactions int // the reward included
	MaxTransactionBytes  int
	MaxNameBytes         int           // sender, recipient; UTF-8
	MaxAhead             time.Duration // a timestamp's lead over our clock
}

// classicGenesis is 2021-07-20T00:00:00Z, in the shape that the tutorial's constructor gives its first block.
const classicGenesis = `{"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1626739200.0, "transactions": []}`

// Classic returns the rules of the tutorial's chain.
func Classic() *Rules {
	genesis, err := readGenesis([]byte(classicGenesis), ProfileClassic)
	if err != nil {
		panic("chain: the classic genesis is a constant, and valid: " + err.Error())
	}
	return &Rules{
		Name:                 "classic",
		Profile:              ProfileClassic,
		Version:              1,
		Genesis:              genesis,
		Zeros:                4,
		Reward:               "1",
		MaxBlockBytes:        ClassicBlockBytes,
		MaxBlockTransactions: ClassicBlockTransactions,
		MaxTransactionBytes:  ClassicTransactionBytes,
		MaxNameBytes:         ClassicNameBytes,
		MaxAhead:             ClassicAhead,
	}
}

// IsSecure reports whether the profile is ProfileSecure.
func (r *Rules) IsSecure() bool { return r.Profile == ProfileSecure }

// Network returns the network's id: it names everything that two nodes must agree on, so that nodes with other rules never
// meet. It is the first 16 hex digits of a SHA-256, "-" and the version: of the genesis for the classic network, of ruleText
// for every other one.
func (r *Rules) Network() string {
	if r.isClassic() {
		return r.GenesisNetwork()
	}
	sum := sha256.Sum256(r.ruleText())
	return networkID(sum, r.Version)
}

// GenesisNetwork returns the id that earlier programs gave the network. It covers the genesis alone; data kept under it is
// still opened.
func (r *Rules) GenesisNetwork() string { return networkID(r.Genesis.Hash(), r.Version) }

func networkID(h Hash, version int) string { return fmt.Sprintf("%x-%d", h[:8], version) }

// isClassic reports whether r differs from Classic in its name at most.
func (r *Rules) isClassic() bool {
	if r.Profile != ProfileClassic {
		return false
	}
	classic := Classic()
	same := *r
	same.Name, same.Genesis = classic.Name, classic.Genesis
	return same == *classic && r.Genesis.Hash() == classic.Genesis.Hash()
}

// ruleText is what a network's id is the hash of, in canonical form. docs/PROTOCOL.md has an example of each profile: a key that is
// added changes every id but the classic one, and needs a new rules version.
func (r *Rules) ruleText() []byte {
	if r.IsSecure() {
		return fmt.Appendf(nil, `{"block_seconds": %d, "first_target": "%s", "genesis": "%s", "limits": {"block_bytes": %d, `+
			`"block_transactions": %d, "transaction_bytes": %d}, "profile": "%s", "reward": %s, "version": %d}`,
			r.blockSeconds(), r.First, r.Genesis.Hash(), r.MaxBlockBytes, r.MaxBlockTransactions, r.MaxTransactionBytes,
			r.Profile, r.Reward, r.Version)
	}
	return fmt.Appendf(nil, `{"genesis": "%s", "limits": {"ahead_seconds": %d, "block_bytes": %d, "block_transactions": %d, `+
		`"name_bytes": %d, "transaction_bytes": %d}, "profile": "%s", "reward": %s, "version": %d, "zeros": %d}`,
		r.Genesis.Hash(), int64(r.MaxAhead/time.Second), r.MaxBlockBytes, r.MaxBlockTransactions,
		r.MaxNameBytes, r.MaxTransactionBytes, r.Profile, r.Reward, r.Version, r.Zeros)
}

// CheckAddress refuses what can be no sender and no recipient. Errors are *InvalidError.
func (r *Rules) CheckAddress(address string) error {
	if r.IsSecure() {
		if _, err := ParseAddress(address); err != nil {
			return Invalid(RuleRecipient, "%s", err)
		}
		return nil
	}
	if address == "" || len(address) > r.MaxNameBytes || !utf8.ValidString(address) {
		return Invalid(RuleRecipient, "an address is 1 to %d bytes of UTF-8, this has %d", r.MaxNameBytes, len(address))
	}
	return nil
}
