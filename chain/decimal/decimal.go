// Package decimal adds decimals without rounding: 0.1 and 0.2 are 0.3, and 1e+300 and 1 have 301 digits.
package decimal

import (
	"encoding/binary"
	"math/big"
	"strings"
	"sync"
)

// maxPower is the highest power of ten that is needed: the last digit of a float64 is at 10^-324, and the largest is below 10^309.
const maxPower = 324

// Decimal is a sum of decimals; the zero value is 0. It must not be copied.
type Decimal struct {
	n      big.Int // the value times 10^places
	places int
	term   big.Int // scratch
}

// powers are the powers of ten from 10^0 to 10^maxPower.
var powers = sync.OnceValue(func() []big.Int {
	all := make([]big.Int, maxPower+1)
	all[0].SetInt64(1)
	for i := range maxPower {
		all[i+1].Mul(&all[i], ten)
	}
	return all
})

var ten = big.NewInt(10)

// AddText adds, or subtracts, a number as JSON spells it; ok is false, and nothing is added, if text is not the spelling of
// a number from 0 that Python prints for an int64 or a float64.
func (d *Decimal) AddText(text []byte, negative bool) (ok bool) {
	mantissa, places, ok := split(text)
	if !ok {
		return false
	}
	d.term.SetUint64(mantissa)
	if places < 0 {
		d.term.Mul(&d.term, &powers()[-places])
		places = 0
	}
	d.add(&d.term, places, negative)
	return true
}

// Add adds e.
func (d *Decimal) Add(e *Decimal) { d.add(d.term.Set(&e.n), e.places, false) }

// AddTimes adds factor times e.
func (d *Decimal) AddTimes(e *Decimal, factor uint64) {
	d.term.SetUint64(factor)
	d.add(d.term.Mul(&d.term, &e.n), e.places, false)
}

// add adds term/10^places; term is changed.
func (d *Decimal) add(term *big.Int, places int, negative bool) {
	if places > d.places {
		d.n.Mul(&d.n, &powers()[places-d.places])
		d.places = places
	} else if places < d.places {
		term.Mul(term, &powers()[d.places-places])
	}
	if negative {
		d.n.Sub(&d.n, term)
	} else {
		d.n.Add(&d.n, term)
	}
}

// Reset makes d 0.
func (d *Decimal) Reset() {
	d.n.SetInt64(0)
	d.places = 0
}

// Sign is -1, 0 or 1.
func (d *Decimal) Sign() int { return d.n.Sign() }

// split reads a number as mantissa/10^places.
func split(text []byte) (mantissa uint64, places int, ok bool) {
	rest, n := digits(text, &mantissa)
	if n == 0 {
		return 0, 0, false
	}
	if len(rest) > 0 && rest[0] == '.' {
		if string(rest) == ".0" { // most amounts
			return mantissa, 0, true
		}
		if rest, places = digits(rest[1:], &mantissa); places == 0 {
			return 0, 0, false
		}
	}
	if len(rest) == 0 {
		return mantissa, places, true
	}
	exponent, ok := exponent(rest)
	places -= exponent
	return mantissa, places, ok && places <= maxPower && -places <= maxPower
}

// digits takes decimal digits off s, as many as fit.
func digits(s []byte, value *uint64) (rest []byte, n int) {
	for n < len(s) && s[n]-'0' <= 9 && *value < 1e18 {
		*value = *value*10 + uint64(s[n]-'0')
		n++
	}
	return s[n:], n
}

// exponent reads e+300 or e-05.
func exponent(s []byte) (e int, ok bool) {
	if len(s) < 2 || s[0] != 'e' || s[1] != '+' && s[1] != '-' {
		return 0, false
	}
	var value uint64
	rest, n := digits(s[2:], &value)
	if n == 0 || n > 3 || len(rest) > 0 {
		return 0, false
	}
	if s[1] == '-' {
		return -int(value), true
	}
	return int(value), true
}

// String is the value without an exponent: "12.5", "-3", "0".
func (d *Decimal) String() string {
	d.reduce()
	text := d.n.Text(10)
	if d.places == 0 {
		return text
	}
	sign := ""
	if text[0] == '-' {
		sign, text = "-", text[1:]
	}
	if missing := d.places + 1 - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	point := len(text) - d.places
	return sign + text[:point] + "." + text[point:]
}

// reduce drops trailing zeros behind the point, so that equal values look alike.
func (d *Decimal) reduce() {
	var rest big.Int
	for d.places > 0 {
		d.term.QuoRem(&d.n, ten, &rest)
		if rest.Sign() != 0 {
			return
		}
		d.n.Set(&d.term)
		d.places--
	}
}

// Append appends the value's bytes to dst; equal values have equal bytes. They end where Read's input does.
func (d *Decimal) Append(dst []byte) []byte {
	d.reduce()
	head := uint64(d.places) << 1
	if d.n.Sign() < 0 {
		head |= 1
	}
	dst = binary.AppendUvarint(dst, head)
	size := (d.n.BitLen() + 7) / 8
	dst = append(dst, make([]byte, size)...)
	d.n.FillBytes(dst[len(dst)-size:])
	return dst
}

// Read sets d to the value whose bytes are src; ok is false if they are none.
func (d *Decimal) Read(src []byte) (ok bool) {
	head, n := binary.Uvarint(src)
	if n <= 0 || head>>1 > maxPower {
		return false
	}
	d.places = int(head >> 1)
	d.n.SetBytes(src[n:])
	if head&1 != 0 {
		d.n.Neg(&d.n)
	}
	return true
}
