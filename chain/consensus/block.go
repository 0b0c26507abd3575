package consensus

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"iter"
	"strconv"

	"kuai/chain/canonical"
)

// Hash is the SHA-256 of a block's canonical bytes.
type Hash [32]byte

// String gives 64 lower-case hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Short gives the first 12 hex digits, for logs.
func (h Hash) Short() string { return hex.EncodeToString(h[:6]) }

// HasZeros reports whether the hex digits start with n zeros, n at most 64.
func (h Hash) HasZeros(n int) bool {
	for _, b := range h[:n/2] {
		if b != 0 {
			return false
		}
	}
	return n%2 == 0 || h[n/2] < 0x10
}

// ParseHash reads 64 lower-case hex digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if !canonical.DecodeHex(h[:], s) {
		return Hash{}, fmt.Errorf("hash %s is not 64 lower-case hex digits", canonical.Quote(s))
	}
	return h, nil
}

// Header is what a block's children and the fork choice need to know of it.
type Header struct {
	Hash      Hash
	Previous  Hash // zero for the genesis block
	Index     int64
	Proof     int64   // on a secure network the nonce: what the miner searches
	Root      Hash    // of the block's parts, which the proof seals; zero on a classic network and in every genesis block
	Timestamp float64 // Unix seconds
}

// ProofText returns the proof as the child's proof hashes it: a decimal number, or "<root>.<nonce>".
func (h Header) ProofText() string { return string(h.appendProofText(make([]byte, 0, maxProofText))) }

// maxProofText is the length of the longest text of a proof.
const maxProofText = 2*len(Hash{}) + len(".9223372036854775807")

func (h Header) appendProofText(dst []byte) []byte {
	if h.Root != (Hash{}) {
		dst = append(hex.AppendEncode(dst, h.Root[:]), '.')
	}
	return strconv.AppendInt(dst, h.Proof, 10)
}

// Block is a block in canonical form whose bytes alone break no rule. It is immutable. Rules.ParseBlock makes it.
type Block struct {
	header Header
	raw    []byte
	count  int
}

// Header returns the block's hash, parent, index, proof and time.
func (b *Block) Header() Header { return b.header }

// Hash returns the SHA-256 of the canonical bytes.
func (b *Block) Hash() Hash { return b.header.Hash }

// Index returns the height, from 1.
func (b *Block) Index() int64 { return b.header.Index }

// Canonical returns the canonical bytes. The caller must not change them.
func (b *Block) Canonical() []byte { return b.raw }

// Clone returns a block of the same bytes that keeps nothing else in memory: blocks that were parsed together share some.
func (b *Block) Clone() *Block {
	return &Block{header: b.header, raw: bytes.Clone(b.raw), count: b.count}
}

// Marks of a transaction in a block's canonical bytes. The first two stand nowhere else in them. Inside a string every quote follows a backslash,
// so `{"` and ` "` there can only end a string, and no string is followed by a letter.
const (
	transactionMark = `{"amount": `
	idMark          = `, "id": "`
	recipientMark   = `, "recipient": "`
	senderMark      = `", "sender": "`
	signatureMark   = `", "signature": "`

	signatureTail = len(signatureMark) + 2*len(Signature{}) + len(`"}`) // what a signature adds, less the end of the sender
)

// signatureStart returns where the signature's mark stands in a canonical transaction, -1 if it has none.
func signatureStart[T string | []byte](raw T) int {
	if i := len(raw) - signatureTail; i > 0 && string(raw[i:i+len(signatureMark)]) == signatureMark {
		return i
	}
	return -1
}

// IDs yields the offset in Canonical at which each transaction that has an id starts, and the id. It decodes nothing else.
func (b *Block) IDs() iter.Seq2[int, ID] {
	return func(yield func(int, ID) bool) {
		for start := nextTransaction(b.raw, 0); start >= 0; start = nextTransaction(b.raw, start+1) {
			if id, ok := idAt(b.raw[start:]); ok && !yield(start, id) {
				return
			}
		}
	}
}

// idAt reads the id of the transaction at the start of s: it stands after the amount, or nowhere.
func idAt(s []byte) (id ID, ok bool) {
	_, rest, _ := bytes.Cut(s, []byte(","))
	if ok = bytes.HasPrefix(rest, []byte(idMark[1:])); ok {
		rest = rest[len(idMark)-1:]
		canonical.DecodeHex(id[:], rest[:2*len(id)])
	}
	return id, ok
}

// Spans yields each transaction's offset in raw and its canonical bytes.
func (b *Block) Spans() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for start := nextTransaction(b.raw, 0); start >= 0; {
			next := nextTransaction(b.raw, start+1)
			if !yield(start, b.raw[start:transactionEnd(b.raw, next)]) {
				return
			}
			start = next
		}
	}
}

// nextTransaction returns where the first transaction at or after from starts, -1 if none does.
func nextTransaction(raw []byte, from int) int {
	if i := bytes.Index(raw[from:], []byte(transactionMark)); i >= 0 {
		return from + i
	}
	return -1
}

// transactionEnd returns where the transaction before the one at next ends; next is -1 for a block's last.
func transactionEnd(raw []byte, next int) int {
	if next < 0 {
		return len(raw) - len("]}")
	}
	return next - len(", ")
}

// at returns the canonical bytes of the transaction that starts at offset, nil if none does.
func (b *Block) at(offset int) []byte {
	if offset < 0 || offset >= len(b.raw) || nextTransaction(b.raw, offset) != offset {
		return nil
	}
	return b.raw[offset:transactionEnd(b.raw, nextTransaction(b.raw, offset+1))]
}

// TransactionAt returns the transaction whose canonical bytes start at offset, as IDs yields it. ok is false if none starts there.
func (b *Block) TransactionAt(offset int) (t Transaction, ok bool) {
	raw := b.at(offset)
	if raw == nil {
		return Transaction{}, false
	}
	return decodeTransaction(string(raw)), true
}

// PaymentAt returns the payment whose canonical bytes start at offset, as IDs yields it. ok is false if none starts there.
func (b *Block) PaymentAt(offset int) (p Payment, ok bool) {
	raw := b.at(offset)
	if p.id, ok = idAt(raw); ok {
		p.canonical = string(raw)
	}
	return p, ok
}

// Transactions decodes the block's transactions, the reward last.
func (b *Block) Transactions() []Transaction {
	txs := make([]Transaction, 0, b.count)
	for _, canonical := range b.Spans() {
		txs = append(txs, decodeTransaction(string(canonical)))
	}
	return txs
}

// Parts is what an index reads of a transaction in a block's bytes: the amount, and the names as they are spelled in a canonical
// string, without their quotes.
type Parts struct{ Amount, Recipient, Sender []byte }

// Parts yields each transaction's position and parts. It decodes nothing.
func (b *Block) Parts() iter.Seq2[int, Parts] {
	return func(yield func(int, Parts) bool) {
		position := 0
		for _, raw := range b.Spans() {
			if !yield(position, partsOf(raw)) {
				return
			}
			position++
		}
	}
}

// partsOf reads the transaction whose bytes are raw. No string holds a senderMark (see the marks).
func partsOf(raw []byte) (t Parts) {
	rest := raw[len(transactionMark):]
	t.Amount, rest = rest[:bytes.IndexByte(rest, ',')], rest[bytes.IndexByte(rest, ','):]
	if bytes.HasPrefix(rest, []byte(idMark)) {
		rest = rest[len(idMark)+2*len(ID{})+len(`"`):]
	}
	t.Recipient, rest, _ = bytes.Cut(rest[len(recipientMark):], []byte(senderMark))
	end := len(rest) - len(`"}`)
	if i := signatureStart(rest); i >= 0 {
		end = i
	}
	t.Sender = rest[:end]
	return t
}
