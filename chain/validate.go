package chain

import "time"

// ParseBlock reads a block that must already be canonical and checks all that its bytes alone can break
// (size, form, keys, types, transactions, ids within the block). It keeps raw. Errors are *InvalidError.
func (r *Rules) ParseBlock(raw []byte) (*Block, error) { panic("skeleton") }

// ReadBlock is ParseBlock for text from HTTP or a Flask node: any spelling, made canonical first.
// Errors are *SyntaxError and *InvalidError.
func (r *Rules) ReadBlock(text []byte) (*Block, error) { panic("skeleton") }

// NewBlock builds the canonical block that extends parent; txs ends with the reward. The proof is not checked here.
func (r *Rules) NewBlock(parent Header, proof int64, at float64, txs []Transaction) (*Block, error) {
	panic("skeleton")
}

// CheckLink checks that b extends parent: previous hash, index and proof. Errors are *InvalidError.
func (r *Rules) CheckLink(parent Header, b *Block) error { panic("skeleton") }

// CheckTime returns ErrFuture where b is too far ahead of now.
func (r *Rules) CheckTime(b *Block, now time.Time) error { panic("skeleton") }

// ValidProof says whether proof follows lastProof on a block with hash last.
func (r *Rules) ValidProof(lastProof, proof int64, last Hash) bool { panic("skeleton") }

// Segment is a run of blocks, each proved to extend the one before. Rules.ParseSegment makes it.
type Segment struct{ blocks []*Block }

// Blocks returns the segment's blocks, ascending.
func (s *Segment) Blocks() []*Block { return s.blocks }

// ParseSegment parses consecutive canonical blocks and checks each one's link to the one before it; the first
// block's link is checked by Chain.AddSegment. On error n is the position of the block at fault and the segment holds those before it.
func (r *Rules) ParseSegment(raws [][]byte) (s *Segment, n int, err error) { panic("skeleton") }

// ParseTransaction reads a pending transaction that must be canonical and carry an id. Errors are *InvalidError.
func (r *Rules) ParseTransaction(raw []byte) (Transaction, error) { panic("skeleton") }

// ReadTransaction reads a transaction from an HTTP body: any spelling, other keys ignored, an id drawn where none is given.
// Errors are *SyntaxError, *MissingError and *InvalidError.
func (r *Rules) ReadTransaction(text []byte) (Transaction, error) { panic("skeleton") }
