package consensus

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"

	"kuai/chain/canonical"
)

// Target is the largest number that the hash of a proof may be, big-endian. A lower target takes more work.
type Target [32]byte

// MaxTarget is the easiest target, 2^240-1: a hash that meets any target starts with four hex zeros, as a Flask node wants it.
var MaxTarget = func() (t Target) {
	for i := 2; i < len(t); i++ {
		t[i] = 0xff
	}
	return t
}()

// String returns 64 lower-case hex digits.
func (t Target) String() string { return hex.EncodeToString(t[:]) }

// ParseTarget reads 64 lower-case hex digits of a number from 1 to MaxTarget.
func ParseTarget(s string) (Target, error) {
	var t Target
	if !canonical.DecodeHex(t[:], s) {
		return Target{}, fmt.Errorf("target %s is not 64 lower-case hex digits", canonical.Quote(s))
	}
	if t == (Target{}) || t.Compare(MaxTarget) > 0 {
		return Target{}, fmt.Errorf("target %s is not from 1 to %s", s, MaxTarget)
	}
	return t, nil
}

// Compare returns -1, 0 or 1 if t is lower than x, equal or higher.
func (t Target) Compare(x Target) int { return bytes.Compare(t[:], x[:]) }

// Met reports whether h, read as a number, is at most t.
func (t Target) Met(h Hash) bool { return bytes.Compare(h[:], t[:]) <= 0 }

// Work returns how many hashes a proof takes in the mean: 2^256 / (t + 1), rounded down. It fits in 256 bits for all t from 1.
func (t Target) Work() Work {
	n := new(big.Int).SetBytes(t[:])
	n.Div(new(big.Int).Lsh(big.NewInt(1), 256), n.Add(n, big.NewInt(1)))
	var text [32]byte
	n.FillBytes(text[:])
	return WorkOf(text)
}

// Tries returns how many hashes a proof takes in the mean, about.
func (t Target) Tries() float64 {
	chance := 0.0
	for _, b := range t {
		chance = chance*256 + float64(b)
	}
	return math.Pow(2, 256) / (chance + 1)
}

// Pace sets the targets of a network so that a block takes BlockTime in the mean. It depends on the time and the number of a block
// alone, so no history is needed: ASERT (aserti3-2d), anchored at the genesis block.
type Pace struct {
	First     Target // of the child of a block that is on schedule
	Easiest   Target // no target is easier; the zero value is MaxTarget
	BlockTime int64  // seconds, at least 1
	Start     int64  // the genesis block's time in whole seconds
}

// halfLife is how many block times behind schedule double the target.
const halfLife = 20

// Next returns the target of the child of a block with that index and timestamp.
func (p Pace) Next(index int64, timestamp float64) Target {
	whole, fraction := p.exponent(index, timestamp)
	if whole < -256 { // MaxTarget·2·2^-257 is below 1
		return Target{31: 1}
	}
	easiest := p.Easiest
	if easiest == (Target{}) {
		easiest = MaxTarget
	}
	if whole > 256 { // First is at least 1
		return easiest
	}
	n := new(big.Int).SetBytes(p.First[:])
	n.Mul(n, new(big.Int).SetUint64(powerOfTwo(fraction)))
	if whole < 16 {
		n.Rsh(n, uint(16-whole))
	} else {
		n.Lsh(n, uint(whole-16))
	}
	return clampTarget(n, easiest)
}

// exponent returns the power of two by which the first target is multiplied, in whole and in fraction/65536.
func (p Pace) exponent(index int64, timestamp float64) (whole int64, fraction uint64) {
	drift := big.NewInt(int64(math.Floor(timestamp)))
	drift.Sub(drift, big.NewInt(p.Start))
	onSchedule := big.NewInt(p.BlockTime)
	drift.Sub(drift, onSchedule.Mul(onSchedule, big.NewInt(index-1)))
	period := big.NewInt(p.BlockTime)
	period.Mul(period, big.NewInt(halfLife))
	e := drift.Quo(drift.Lsh(drift, 16), period) // truncated towards zero
	fraction = uint64(new(big.Int).And(e, big.NewInt(1<<16-1)).Int64())
	if e.Rsh(e, 16); !e.IsInt64() { // rounded down
		return math.MaxInt64 * int64(e.Sign()), fraction
	}
	return e.Int64(), fraction
}

// powerOfTwo returns 65536·2^(r/65536) for r below 65536, within 0.013 %. The sum stays below 2^64.
func powerOfTwo(r uint64) uint64 {
	return (195766423245049*r+971821376*r*r+5127*r*r*r+1<<47)>>48 + 65536
}

// clampTarget returns n as a target, within 1 and easiest.
func clampTarget(n *big.Int, easiest Target) (t Target) {
	if n.Sign() == 0 {
		return Target{31: 1}
	}
	if n.BitLen() > 8*len(t) {
		return easiest
	}
	if n.FillBytes(t[:]); t.Compare(easiest) > 0 {
		return easiest
	}
	return t
}
