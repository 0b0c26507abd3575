package wire

import (
	"encoding/binary"
	"time"
	"unicode/utf8"

	"kuai/chain/consensus"
)

// StatusVersion is the version of the status message that this node sends.
const StatusVersion = 1

// Bounds of messages, in bytes of payload unless said otherwise.
const (
	MaxStatus      = 512  // a status, with what later versions append
	minStatus      = 83   // a status with an empty agent
	maxAgent       = 128  // of UTF-8
	maxName        = 64   // of UTF-8; see CheckName
	maxLocator     = 64   // hashes
	minSyncRequest = 49   // a chain request with an empty locator
	MaxSyncRequest = 2097 // a chain request with a full one
	SyncHeadSize   = 60   // the first frame of its answer
	MaxBlocksAsked = 64   // hashes in a request by hash
	IDsInFrame     = 4096 // transaction ids, most in one frame
	MaxIDs         = IDsInFrame * IDSize
	maxHeight      = 1 << 53
	HashSize       = len(consensus.Hash{})
	IDSize         = len(consensus.ID{})
)

// Status is a node's description of itself, sent once in each direction of a status stream, by the opener first.
//
//	version  u16  1 or more; a receiver ignores bytes after those that it knows
//	genesis  32   hash of the genesis block
//	height   u64  index of the tip, 1..2^53
//	tip      32   hash of the tip
//	time     i64  the sender's clock, milliseconds since 1970
//	agent    u8 length (≤ 128), then UTF-8
//	name     u8 length (≤ 64), then UTF-8; may be left out if nothing follows
//	work     32   of the sender's chain, a big-endian number; on secure networks only
type Status struct {
	Version uint16
	Genesis consensus.Hash
	Height  int64
	Tip     consensus.Hash
	Time    time.Time
	Agent   string
	Name    string // that its operator gives it, "" for none: not proved, and not unique
	Work    consensus.Work
}

// Claim returns the work that the sender claims for its chain. On a classic network that is the height.
func (m Status) Claim() consensus.Work {
	if m.Work != (consensus.Work{}) {
		return m.Work
	}
	return consensus.Work{3: uint64(m.Height)}
}

// Append appends the message to dst. The agent is cut to its maximum; CheckName holds for the name.
func (m Status) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, m.Version)
	dst = append(dst, m.Genesis[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Height))
	dst = append(dst, m.Tip[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Time.UnixMilli()))
	agent := cutAgent(m.Agent)
	dst = append(append(dst, byte(len(agent))), agent...)
	if m.Name == "" && m.Work == (consensus.Work{}) {
		return dst
	}
	dst = append(append(dst, byte(len(m.Name))), m.Name...)
	if m.Work != (consensus.Work{}) {
		work := m.Work.Bytes()
		dst = append(dst, work[:]...)
	}
	return dst
}

// cutAgent returns the longest valid beginning of s that fits.
func cutAgent(s string) string {
	if len(s) > maxAgent {
		s = s[:maxAgent]
	}
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}

// ParseStatus reads a status message.
func ParseStatus(b []byte) (Status, error) {
	if len(b) < minStatus || len(b) > MaxStatus {
		return Status{}, Violation("status of %d bytes", len(b))
	}
	m := Status{
		Version: binary.BigEndian.Uint16(b),
		Genesis: consensus.Hash(b[2:34]),
		Tip:     consensus.Hash(b[42:74]),
		Time:    time.UnixMilli(int64(binary.BigEndian.Uint64(b[74:]))),
	}
	height, n := binary.BigEndian.Uint64(b[34:]), int(b[82])
	if m.Version == 0 || height == 0 || height > maxHeight {
		return Status{}, Violation("status of version %d with height %d", m.Version, height)
	}
	if n > maxAgent || len(b) < minStatus+n || !utf8.Valid(b[minStatus:minStatus+n]) {
		return Status{}, Violation("agent of a status is too long, cut short or not UTF-8")
	}
	rest := b[minStatus+n:]
	m.Height, m.Agent, m.Name, m.Work = int64(height), string(b[minStatus:minStatus+n]), parseName(rest), parseWork(rest)
	return m, nil
}

// SyncRequest asks for a run of the active chain, ascending.
//
//	from     u64  index of the first block wanted; 0: the one after the fork point
//	count    u32  most blocks wanted, 1 or more
//	bytes    u32  most bytes of blocks wanted: the answer ends with the block that reaches it
//	until    32   a block that must be on the answerer's active chain, the run ends with it; zero: its tip
//	locator  u8 number (≤ 64), then 32 bytes each: hashes of the asker's chain, newest first, genesis last; 1 or more if from is 0
type SyncRequest struct {
	From    int64
	Count   uint32
	Bytes   uint32
	Until   consensus.Hash
	Locator []consensus.Hash
}

// Append appends the message to dst.
func (m SyncRequest) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.From))
	dst = binary.BigEndian.AppendUint32(dst, m.Count)
	dst = binary.BigEndian.AppendUint32(dst, m.Bytes)
	dst = append(dst, m.Until[:]...)
	return AppendHashes(append(dst, byte(len(m.Locator))), m.Locator)
}

// ParseSyncRequest reads a chain request.
func ParseSyncRequest(b []byte) (SyncRequest, error) {
	if len(b) < minSyncRequest || len(b) > MaxSyncRequest || len(b) != minSyncRequest+int(b[48])*HashSize {
		return SyncRequest{}, Violation("chain request of %d bytes", len(b))
	}
	from := binary.BigEndian.Uint64(b)
	m := SyncRequest{
		From:    int64(from),
		Count:   binary.BigEndian.Uint32(b[8:]),
		Bytes:   binary.BigEndian.Uint32(b[12:]),
		Until:   consensus.Hash(b[16:48]),
		Locator: splitHashes(b[minSyncRequest:]),
	}
	if from > maxHeight || m.Count == 0 || from == 0 && len(m.Locator) == 0 {
		return SyncRequest{}, Violation("chain request from %d of %d blocks with %d hashes", from, m.Count, len(m.Locator))
	}
	return m, nil
}

// SyncHead is the first frame of the answer to a SyncRequest; the blocks follow, one canonical block in each frame.
//
//	fork    u64  index of the first locator hash on the answerer's active chain, 1 if there is none; 0 without a locator
//	from    u64  index of the first block that follows
//	count   u32  most blocks that follow; fewer may, then the asker asks again. 0: none of what was asked is on the active chain
//	height  u64  index of the answerer's tip, 1..2^53
//	tip     32   hash of the answerer's tip
type SyncHead struct {
	Fork, From int64
	Count      uint32
	Height     int64
	Tip        consensus.Hash
}

// Append appends the message to dst.
func (m SyncHead) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Fork))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.From))
	dst = binary.BigEndian.AppendUint32(dst, m.Count)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Height))
	return append(dst, m.Tip[:]...)
}

// ParseSyncHead reads the first frame of an answer.
func ParseSyncHead(b []byte) (SyncHead, error) {
	if len(b) != SyncHeadSize {
		return SyncHead{}, Violation("head of a chain answer of %d bytes", len(b))
	}
	fork, from := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	height := binary.BigEndian.Uint64(b[20:])
	m := SyncHead{
		Fork: int64(fork), From: int64(from), Height: int64(height),
		Count: binary.BigEndian.Uint32(b[16:]),
		Tip:   consensus.Hash(b[28:60]),
	}
	if height == 0 || max(fork, from, height) > maxHeight {
		return SyncHead{}, Violation("head of a chain answer with fork %d, from %d, height %d", fork, from, height)
	}
	if m.Count > 0 && (from == 0 || from+uint64(m.Count)-1 > height) {
		return SyncHead{}, Violation("%d blocks from %d of a chain of %d", m.Count, from, height)
	}
	return m, nil
}

// ParseHashes reads 1..most hashes, 32 bytes each.
func ParseHashes(b []byte, most int) ([]consensus.Hash, error) {
	if len(b) == 0 || len(b)%HashSize != 0 || len(b)/HashSize > most {
		return nil, Violation("%d bytes of hashes, at most %d hashes allowed here", len(b), most)
	}
	return splitHashes(b), nil
}

// splitHashes cuts b, a multiple of 32 bytes long.
func splitHashes(b []byte) []consensus.Hash {
	hashes := make([]consensus.Hash, 0, len(b)/HashSize)
	for ; len(b) > 0; b = b[HashSize:] {
		hashes = append(hashes, consensus.Hash(b[:HashSize]))
	}
	return hashes
}

// AppendHashes appends 32 bytes for each hash.
func AppendHashes(dst []byte, hashes []consensus.Hash) []byte {
	for i := range hashes {
		dst = append(dst, hashes[i][:]...)
	}
	return dst
}

// ParseIDs reads 1..most transaction ids, 16 bytes each.
func ParseIDs(b []byte, most int) ([]consensus.ID, error) {
	if len(b) == 0 || len(b)%IDSize != 0 || len(b)/IDSize > most {
		return nil, Violation("%d bytes of transaction ids, at most %d ids allowed here", len(b), most)
	}
	ids := make([]consensus.ID, 0, len(b)/IDSize)
	for ; len(b) > 0; b = b[IDSize:] {
		ids = append(ids, consensus.ID(b[:IDSize]))
	}
	return ids, nil
}

// AppendIDs appends 16 bytes for each id.
func AppendIDs(dst []byte, ids []consensus.ID) []byte {
	for i := range ids {
		dst = append(dst, ids[i][:]...)
	}
	return dst
}
