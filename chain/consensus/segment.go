package consensus

// Segment is a run of blocks, each proved to extend the one before. Rules.ParseSegment makes it.
type Segment struct{ blocks []*Block }

// Blocks returns the segment's blocks, ascending.
func (s *Segment) Blocks() []*Block { return s.blocks }

// slabBlocks is how many blocks of a segment share one allocation: enough that it costs nothing per block, few enough
// that one block which is kept does not hold much beside it.
const slabBlocks = 64

// ParseSegment parses consecutive canonical blocks and checks each one's link to the one before it; the first
// block's link is checked by Chain.AddSegment. It keeps raws' elements. On error n is the position of the block at fault and
// the segment holds those before it.
func (r *Rules) ParseSegment(raws [][]byte) (s *Segment, n int, err error) {
	s = &Segment{blocks: make([]*Block, 0, len(raws))}
	var slab []Block
	for i, raw := range raws {
		if len(slab) == 0 {
			slab = make([]Block, min(slabBlocks, len(raws)-i))
		}
		b := &slab[0]
		slab = slab[1:]
		if err := r.parseInto(b, raw); err != nil {
			return s, i, err
		}
		if i > 0 {
			if err := r.CheckLink(s.blocks[i-1].header, b); err != nil {
				return s, i, err
			}
		}
		s.blocks = append(s.blocks, b)
	}
	return s, len(raws), nil
}
