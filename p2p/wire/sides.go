package wire

import (
	"encoding/binary"
	"time"
)

// Bounds of a Sides message.
const (
	MaxOther   = 128       // peers on the other side
	MaxSplit   = time.Hour // how long a split lasts at most
	maxIDBytes = 64        // of a peer id
	sidesHead  = 3         // bytes before the ids
	MaxSides   = sidesHead + MaxOther*(1+maxIDBytes)
)

// The two sides of a split.
const (
	TeachersSide = 1
	OtherSide    = 2
)

// Sides is what a teacher's node asks of a lab node that has agreed to it. The answer is a frame of one byte: 1
// if the node does so, 0 if the asker is not its teacher.
//
//	seconds  u16  how long, 1..3600; 0: the split ends now, and nothing more counts
//	side     u8   of the receiver: 1 the asker's, 2 the other one
//	other    u8 length (≤ 64), then a peer id, for each node on side 2; at most 128
type Sides struct {
	Within time.Duration // whole seconds; 0: the split ends
	Side   int
	Other  []string // peer ids as bytes
}

// Append appends the message to dst.
func (m Sides) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(m.Within/time.Second))
	dst = append(dst, byte(m.Side))
	for _, p := range m.Other {
		dst = append(append(dst, byte(len(p))), p...)
	}
	return dst
}

// ParseSides reads the message.
func ParseSides(b []byte) (Sides, error) {
	if len(b) < sidesHead || len(b) > MaxSides {
		return Sides{}, Violation("sides of %d bytes", len(b))
	}
	m := Sides{Within: time.Duration(binary.BigEndian.Uint16(b)) * time.Second, Side: int(b[2])}
	if m.Within > MaxSplit || m.Side != TeachersSide && m.Side != OtherSide {
		return Sides{}, Violation("side %d for %v", m.Side, m.Within)
	}
	for b = b[sidesHead:]; len(b) > 0; {
		n := int(b[0])
		if n == 0 || n > maxIDBytes || len(b) < 1+n || len(m.Other) == MaxOther {
			return Sides{}, Violation("peer id %d of the other side is empty, too long, cut short or one too many", len(m.Other)+1)
		}
		m.Other, b = append(m.Other, string(b[1:1+n])), b[1+n:]
	}
	return m, nil
}
