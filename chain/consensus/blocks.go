package consensus

// Blocks is a run of blocks, each proved to extend the one before. Rules.ParseBlocks and Rules.LinkBlocks make it.
type Blocks struct {
	list   []*Block
	signed bool
}

// All returns the blocks, ascending.
func (b *Blocks) All() []*Block { return b.list }

// Signed reports whether the signatures in the blocks were checked, too.
func (b *Blocks) Signed() bool { return b.signed }

// slabBlocks is how many blocks of a run share one allocation: enough that it costs nothing per block, few enough that one block
// which is kept does not hold much beside it.
const slabBlocks = 64

// ParseBlocks parses consecutive canonical blocks and checks each one's link to the one before it, and its signatures; the first block's
// link is checked by the function that the run is given to. It keeps raws' elements. On error n is the position of the block at fault, and the run holds those before it.
func (r *Rules) ParseBlocks(raws [][]byte) (run *Blocks, n int, err error) {
	run = &Blocks{list: make([]*Block, 0, len(raws)), signed: true}
	var signatures Signatures
	if r.IsSecure() {
		signatures = r.Signatures()
	}
	var slab []Block
	for i, raw := range raws {
		if len(slab) == 0 {
			slab = make([]Block, min(slabBlocks, len(raws)-i))
		}
		b := &slab[0]
		slab = slab[1:]
		if err := r.ParseInto(b, raw); err != nil {
			return run, i, err
		}
		if err := run.link(r, b); err != nil {
			return run, i, err
		}
		if r.IsSecure() {
			if err := signatures.CheckBlock(b); err != nil {
				return run, i, err
			}
		}
		run.list = append(run.list, b)
	}
	return run, len(raws), nil
}

// LinkBlocks is ParseBlocks for blocks that were parsed one by one. It keeps the slice, and checks no signatures.
func (r *Rules) LinkBlocks(blocks []*Block) (run *Blocks, n int, err error) {
	run = &Blocks{list: blocks[:0:len(blocks)]}
	for i, b := range blocks {
		if err := run.link(r, b); err != nil {
			return run, i, err
		}
		run.list = append(run.list, b)
	}
	return run, len(blocks), nil
}

// link checks that next extends the last block, if there is one.
func (b *Blocks) link(r *Rules, next *Block) error {
	if n := len(b.list); n > 0 {
		return r.CheckLink(b.list[n-1].header, next)
	}
	return nil
}
