package chain

// ID is a transaction's id: 16 bytes, written as 32 lower-case hex digits.
type ID [16]byte

// String gives 32 lower-case hex digits.
func (id ID) String() string { panic("skeleton") }

// ParseID reads 32 lower-case hex digits.
func ParseID(s string) (ID, error) { panic("skeleton") }

// NewID draws a random id.
func NewID() ID { panic("skeleton") }

// Number is a JSON number in its canonical spelling: "5", "5.0" and "1e-05" are three different values.
type Number string

// Transaction is a payment, or a block's reward (sender "0", no id). It is a value; Canonical is its only wire form.
type Transaction struct {
	Sender    string
	Recipient string
	Amount    Number
	ID        ID
	HasID     bool // false for rewards and for transactions mined by a Flask node
}

// IsReward says whether the sender is "0".
func (t Transaction) IsReward() bool { return t.Sender == RewardSender }

// AppendCanonical appends the canonical bytes to dst.
func (t Transaction) AppendCanonical(dst []byte) []byte { panic("skeleton") }
