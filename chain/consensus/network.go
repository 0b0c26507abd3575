package consensus

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"kuai/chain/canonical"
)

// Bounds of a network file's limits. The upper ones are what one gossip message and one stream frame may hold.
const (
	MinBlockBytes = 1 << 10 // a reward with the shortest name fits
	MaxBlockBytes = 1 << 20
)

// ReadRules reads a network file: JSON, unknown keys are errors. The name and the genesis are the network's own; what
// else is left out is as in Classic, or as in Secure for a file with that profile:
//
//	{"name": "class 5b", "genesis": {…}, "profile": "classic", "version": 1, "zeros": 3, "reward": 1,
//	 "limits": {"block_bytes": 262144, "block_transactions": 2000, "transaction_bytes": 4096,
//	            "name_bytes": 256, "ahead_seconds": 7200}}
//
//	{"name": "class 5c", "genesis": {…}, "profile": "secure", "version": 2, "reward": 1,
//	 "block_seconds": 10, "first_target": "0000ffff…", "limits": {"block_bytes": 262144, "block_transactions": 2000,
//	                                                              "transaction_bytes": 4096}}
//
// A block must have room for the largest payment and the largest reward: who lowers block_bytes far lowers transaction_bytes, too.
//
// A classic genesis may come from a running Flask chain: any timestamp, and a previous_hash that is a string or a number. A secure one
// may endow accounts: its transactions are like rewards, {"amount": …, "recipient": "<address>", "sender": "0"}.
func ReadRules(data []byte) (*Rules, error) {
	v, err := canonical.Read(data)
	if err != nil {
		return nil, fmt.Errorf("network file: %w", err)
	}
	r, err := rulesLike(v)
	if err == nil {
		err = r.apply(v)
	}
	if err != nil {
		return nil, fmt.Errorf("network file: %w", err)
	}
	if err := r.checkRoom(); err != nil {
		return nil, fmt.Errorf("network file: %w", err)
	}
	return r, r.checkOwn()
}

// rulesLike returns the built-in rules of the profile that a network file names.
func rulesLike(v canonical.Value) (*Rules, error) {
	o, _ := v.(canonical.Object)
	switch profile, found := o.Get("profile"); {
	case !found, profile == string(ProfileClassic):
		return Classic(), nil
	case profile == string(ProfileSecure):
		return Secure(), nil
	default:
		return nil, fmt.Errorf(`"profile": expected "classic" or "secure", found %s`, canonical.Describe(profile))
	}
}

func (r *Rules) apply(v canonical.Value) error {
	r.Name, r.Genesis = "", nil
	setters := map[string]func(canonical.Value) error{
		"name":    r.setName,
		"genesis": r.setGenesis,
		"profile": func(canonical.Value) error { return nil }, // see rulesLike
		"version": setInt(&r.Version, int64(r.Version), int64(r.Version)),
		"limits":  r.setLimits,
	}
	if r.IsSecure() {
		setters["reward"], setters["block_seconds"], setters["first_target"] = r.setWholeReward, r.setBlockSeconds, r.setFirst
	} else {
		setters["reward"], setters["zeros"] = r.setReward, setInt(&r.Zeros, 0, MaxZeros)
	}
	err := eachMember(v, setters)
	if err == nil && (r.Name == "" || r.Genesis == nil) {
		err = errors.New(`"name" and "genesis" are required`)
	}
	return err
}

// checkOwn refuses a classic genesis under other rules: who compares chains by their first block, as Flask nodes and people do,
// would take the network for the classic one.
func (r *Rules) checkOwn() error {
	if r.Genesis.Hash() == Classic().Genesis.Hash() && !r.isClassic() {
		return errors.New("network file: rules that differ from the classic ones need a genesis of their own: change its timestamp")
	}
	return nil
}

// checkRoom refuses limits under which there are payments that fit in no block: one of them would keep all later ones waiting.
func (r *Rules) checkRoom() error {
	room := r.MaxBlockBytes - r.FrameSize(Header{Index: math.MaxInt64 - 1}) - len(", ")
	reward := r.largest(Transaction{Amount: r.Reward, Sender: RewardSender}, 1)
	payment := r.largest(Transaction{Amount: longestAmount, HasID: true, HasSignature: r.IsSecure()}, 2)
	if reward+payment <= room {
		return nil
	}
	return fmt.Errorf(`"limits": a block of %d bytes has no room for a payment of %d bytes and a reward of %d: set "transaction_bytes" to %d or less, or raise "block_bytes"`,
		r.MaxBlockBytes, payment, reward, max(room-reward, room/2))
}

const (
	longestAmount = "2.2250738585072014e-308"
	escapedByte   = len(`\u0000`) // what a byte of a name takes at most
)

// largest returns the most bytes that t can have with that many names, which it lacks, of the longest kind.
func (r *Rules) largest(t Transaction, names int) int {
	return min(r.MaxTransactionBytes, len(t.AppendCanonical(nil))+names*escapedByte*r.MaxNameBytes)
}

// eachMember hands each member of the object v to its setter.
func eachMember(v canonical.Value, setters map[string]func(canonical.Value) error) error {
	o, ok := v.(canonical.Object)
	if !ok {
		return fmt.Errorf("expected an object, found %s", canonical.Describe(v))
	}
	for _, m := range o {
		set := setters[m.Key]
		if set == nil {
			return fmt.Errorf("unknown key %s", canonical.Quote(m.Key))
		}
		if err := set(m.Value); err != nil {
			return fmt.Errorf("%q: %w", m.Key, err)
		}
	}
	return nil
}

// setInt returns a setter for an integer in [low, high].
func setInt(dst *int, low, high int64) func(canonical.Value) error {
	return func(v canonical.Value) error {
		n, _ := v.(canonical.Number)
		i, ok := n.Int()
		if !ok || i < low || i > high {
			return fmt.Errorf("expected an integer from %d to %d, found %s", low, high, canonical.Describe(v))
		}
		*dst = int(i)
		return nil
	}
}

func (r *Rules) setName(v canonical.Value) error {
	s, ok := v.(string)
	if !ok || s == "" || len(s) > 64 {
		return fmt.Errorf("expected a string of 1 to 64 bytes, found %s", canonical.Describe(v))
	}
	r.Name = s
	return nil
}

func (r *Rules) setReward(v canonical.Value) error {
	n, ok := v.(canonical.Number)
	if !ok || n.Float() <= 0 {
		return fmt.Errorf("expected a number greater than 0, found %s", canonical.Describe(v))
	}
	r.Reward = n
	return nil
}

// setWholeReward is setReward for networks that have integers only.
func (r *Rules) setWholeReward(v canonical.Value) error {
	var reward int
	err := setInt(&reward, 1, MaxReward)(v)
	r.Reward = canonical.Number(strconv.Itoa(reward))
	return err
}

func (r *Rules) setBlockSeconds(v canonical.Value) error {
	var seconds int
	err := setInt(&seconds, 1, int64(MaxBlockTime/time.Second))(v)
	r.setBlockTime(time.Duration(seconds) * time.Second)
	return err
}

func (r *Rules) setFirst(v canonical.Value) (err error) {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("expected 64 hex digits, found %s", canonical.Describe(v))
	}
	r.First, err = ParseTarget(s)
	return err
}

func (r *Rules) setLimits(v canonical.Value) error {
	var ahead int
	setters := map[string]func(canonical.Value) error{
		"block_bytes":        setInt(&r.MaxBlockBytes, MinBlockBytes, MaxBlockBytes),
		"block_transactions": setInt(&r.MaxBlockTransactions, 1, MaxBlockBytes),
	}
	if r.IsSecure() { // addresses have one length, and the clock's bound follows from the block time
		setters["transaction_bytes"] = setInt(&r.MaxTransactionBytes, minTransactionRoom, MaxBlockBytes)
	} else {
		setters["transaction_bytes"] = setInt(&r.MaxTransactionBytes, 128, MaxBlockBytes)
		setters["name_bytes"] = setInt(&r.MaxNameBytes, 1, MaxBlockBytes)
		setters["ahead_seconds"] = setInt(&ahead, 1, 1<<31)
	}
	err := eachMember(v, setters)
	if ahead > 0 {
		r.MaxAhead = time.Duration(ahead) * time.Second
	}
	return err
}

func (r *Rules) setGenesis(v canonical.Value) (err error) {
	r.Genesis, err = newGenesis(v, r.Profile)
	return err
}

func readGenesis(text []byte, p Profile) (*Block, error) {
	v, err := canonical.Read(text)
	if err != nil {
		return nil, err
	}
	return newGenesis(v, p)
}

// newGenesis takes the first block of a chain for what it is: only what a child or a reader needs is checked.
func newGenesis(v canonical.Value, p Profile) (*Block, error) {
	o, ok := v.(canonical.Object)
	if !ok {
		return nil, fmt.Errorf("expected a block, found %s", canonical.Describe(v))
	}
	if err := checkKeys(o, blockKeys); err != nil {
		return nil, err
	}
	h := headerOf(o)
	proof, _ := o.Get("proof")
	if n, _ := proof.(canonical.Number); !n.IsInteger() || h.Proof < 0 || h.Index != 1 {
		return nil, errors.New("expected index 1 and a proof that is an integer from 0")
	}
	previous, _ := o.Get("previous_hash")
	_, text := previous.(string)
	if _, number := previous.(canonical.Number); !text && !number {
		return nil, fmt.Errorf("expected a previous_hash that is a string or a number, found %s", canonical.Describe(previous))
	}
	timestamp, _ := o.Get("timestamp")
	if _, ok := timestamp.(canonical.Number); !ok {
		return nil, fmt.Errorf("expected a timestamp that is a number, found %s", canonical.Describe(timestamp))
	}
	txs, _ := o.Get("transactions")
	all, ok := txs.([]canonical.Value)
	switch {
	case p == ProfileSecure && ok:
		if err := checkEndowments(v, all, h); err != nil {
			return nil, err
		}
	case !ok || len(all) > 0:
		return nil, fmt.Errorf("expected no transactions in a genesis block, found %s", canonical.Describe(txs))
	}
	raw := slices.Clip(canonical.AppendValue(nil, v))
	h.Hash, h.Previous = sha256.Sum256(raw), Hash{}
	return &Block{header: h, raw: raw, count: len(all)}, nil
}

// MaxGenesisBytes bounds a genesis block with endowments: some 2,000 of them.
const MaxGenesisBytes = ClassicBlockBytes

// checkEndowments checks what the genesis of a secure network gives to accounts. All of it together is at most MaxAmount.
func checkEndowments(genesis canonical.Value, all []canonical.Value, h Header) error {
	if n := len(canonical.AppendValue(nil, genesis)); n > MaxGenesisBytes {
		return fmt.Errorf("the genesis block has %d bytes, at most %d", n, MaxGenesisBytes)
	}
	if !(h.Timestamp >= 0 && h.Timestamp < MaxTimestamp) {
		return errors.New("expected a timestamp from 0 and below 2^53, as targets are anchored at it")
	}
	total := int64(0)
	for i, v := range all {
		amount, err := readEndowment(v)
		if err != nil {
			return fmt.Errorf("transaction %d of the genesis block: %w", i+1, err)
		}
		if total += amount; total > MaxAmount {
			return errors.New("the endowments in the genesis block are more than 2^53-1 together")
		}
	}
	return nil
}

func readEndowment(v canonical.Value) (int64, error) {
	o, _ := v.(canonical.Object)
	if err := checkKeys(o, transactionKeys); err != nil {
		return 0, err
	}
	if sender, _ := o.Get("sender"); sender != RewardSender {
		return 0, fmt.Errorf(`the sender of an endowment is "0", not %s`, canonical.Describe(sender))
	}
	recipient, _ := o.Get("recipient")
	text, _ := recipient.(string)
	if _, err := ParseAddress(text); err != nil {
		return 0, err
	}
	amount, _ := o.Get("amount")
	n, ok := integer(amount)
	if !ok || n < 1 || n > MaxAmount {
		return 0, fmt.Errorf("amount %s is not an integer from 1 to 2^53-1", canonical.Describe(amount))
	}
	return n, nil
}

// FrameSize returns how many bytes a block on parent has at most besides its transactions.
func (r *Rules) FrameSize(parent Header) int {
	const longest = `{"index": , "previous_hash": "", "proof": 9007199254740991, "timestamp": 1234567890.1234567, "transactions": []}`
	size := len(longest) + len(strconv.FormatInt(parent.Index+1, 10)) + 2*len(parent.Hash)
	if r.IsSecure() {
		size += len(`"."`) + 2*len(Hash{}) + len("9223372036854775807") - len("9007199254740991")
	}
	return size
}
