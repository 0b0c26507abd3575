package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Lanes is how many proofs are tried at a time; Go knows it as shaLanes.
const lanes = 5

// Registers and memory that both streams use.
var (
	job, digits, count, group, from, to = RDI, RSI, RDX, RCX, R8, R9

	constants = NewDataAddr(Symbol{Name: "·roundConstants"}, 0)

	between Mem // the states between the blocks, the half with a
)

// A buffer holds words plus constants of the first block, four of one lane side by side: words 0..3 of lane 0, of lane 1, …
const buffer = 16 * lanes * 16

func words(base Register, word, lane int) Mem {
	return Mem{Base: base, Disp: 16*(lanes*(word/4)+lane) + 4*(word%4)}
}

func field(offset int) Mem { return Mem{Base: job, Disp: offset} }

// stream is instructions in an order that their operands ask for.
type stream []func()

func (s *stream) add(instructions ...func()) { *s = append(*s, instructions...) }

// schedule expands the first block of the next five proofs into the buffer to.
func schedule() (s stream) {
	for lane := range lanes {
		w := [4]VecPhysical{X1, X2, X3, X4} // the last 16 words
		place(&s, lane, w)
		for four := 4; four < 16; four++ {
			expand(&s, four, w[four%4], w[(four+1)%4], w[(four+2)%4], w[(four+3)%4])
			keep(&s, lane, four, w[four%4])
		}
	}
	return s
}

// place loads the 16 words of the message into w, the low digits of the lane's proof among words 0..7. Words 8..15 are
// the same for all lanes: the rounds know them.
func place(s *stream, lane int, w [4]VecPhysical) {
	number := w[3]
	s.add(func() { VMOVD(Mem{Base: digits, Disp: 4 * lane}, number) })
	for four := range 2 {
		s.add(
			func() { VPSHUFB(field(jobPlace+16*four), number, w[four]) },
			func() { VPOR(field(jobFirst+16*four), w[four], w[four]) },
		)
		keep(s, lane, four, w[four])
	}
	s.add(
		func() { VMOVDQU(field(jobFirst+32), w[2]) },
		func() { VMOVDQU(field(jobFirst+48), w[3]) },
	)
}

// expand replaces the four words in a by the next four after a, b, c, d. The words seven places before those lie across c and d,
// the first time among words 8 to 15.
func expand(s *stream, four int, a, b, c, d VecPhysical) {
	var seventh Op = field(jobFirst + 4*9)
	if four > 4 {
		seventh = X5
		s.add(func() { VPALIGNR(Imm(4), c, d, X5) })
	}
	s.add(
		func() { SHA256MSG1(b, a) },
		func() { VPADDD(seventh, a, a) },
		func() { SHA256MSG2(d, a) },
	)
}

// keep adds the constants to four words and puts them where the rounds will look for them.
func keep(s *stream, lane, four int, w VecPhysical) {
	s.add(
		func() { VPADDD(constants.Offset(16*four), w, X5) },
		func() { VMOVDQU(X5, words(to, 4*four, lane)) },
	)
}

// state is a lane's eight words: a, b, e, f and c, d, g, h. The instruction for two rounds makes the new abef where cdgh was, so
// that the two change places.
type state struct{ abef, cdgh VecPhysical }

func states() (s [lanes]state) {
	x := [...]VecPhysical{X6, X7, X8, X9, X10, X11, X12, X13, X14, X15}
	for lane := range s {
		s[lane] = state{x[2*lane], x[2*lane+1]}
	}
	return s
}

// rounds compresses both blocks of the five proofs in the buffer from, and leaves in AX which of them have the zeros. A step is four
// rounds of all lanes, with what goes before them.
func rounds() (steps [][]func()) {
	var s stream
	all := states()
	for _, l := range all {
		s.add(
			func() { VMOVDQU(field(jobSplit), l.abef) },
			func() { VMOVDQU(field(jobSplit+16), l.cdgh) },
		)
	}
	for word := 0; word < 64; word += 4 {
		firstBlock(&s, all, word)
		firstBlock(&s, all, word+2)
		steps, s = append(steps, s), nil
	}
	for lane, l := range all {
		s.add(
			func() { VPADDD(field(jobSplit), l.abef, l.abef) },
			func() { VPADDD(field(jobSplit+16), l.cdgh, l.cdgh) },
			func() { VMOVDQU(l.abef, between.Offset(16*lane)) },
		)
	}
	for word := 0; word < 64; word += 4 {
		secondBlock(&s, all, word)
		secondBlock(&s, all, word+2)
		steps, s = append(steps, s), nil
	}
	for lane, l := range all {
		s.add(func() { VPADDD(between.Offset(16*lane), l.abef, l.abef) })
	}
	judge(&s, all)
	return append(steps, s)
}

// firstBlock is two rounds of all lanes. Words 8 to 15 are the same for all.
func firstBlock(s *stream, all [lanes]state, word int) {
	shared := 8 <= word && word < 16
	if shared {
		s.add(func() { VMOVQ(field(jobKnown+4*(word-8)), X0) })
	}
	for lane, l := range all {
		if !shared {
			s.add(func() { VMOVQ(words(from, word, lane), X0) })
		}
		twoRounds(s, l, word)
	}
}

// secondBlock is two rounds of all lanes, on words that are the same for all.
func secondBlock(s *stream, all [lanes]state, word int) {
	s.add(func() { VMOVQ(field(jobTail+4*word), X0) })
	for _, l := range all {
		twoRounds(s, l, word)
	}
}

func twoRounds(s *stream, l state, word int) {
	if word%4 == 0 {
		s.add(func() { SHA256RNDS2(X0, l.abef, l.cdgh) })
	} else {
		s.add(func() { SHA256RNDS2(X0, l.cdgh, l.abef) })
	}
}

// judge sets bit l of AX where the first word of lane l's hash, a, is zero under the mask. The second halves are free by now.
func judge(s *stream, all [lanes]state) {
	one, two, zero := all[0].cdgh, all[1].cdgh, all[2].cdgh
	s.add(
		func() { VPXOR(zero, zero, zero) },
		func() { VPUNPCKHDQ(all[1].abef, all[0].abef, one) },
		func() { VPUNPCKHDQ(all[3].abef, all[2].abef, two) },
		func() { VPUNPCKHQDQ(two, one, one) },
		func() { VPSRLDQ(Imm(12), all[4].abef, two) },
	)
	for _, x := range []VecPhysical{one, two} {
		s.add(
			func() { VPAND(field(jobMask), x, x) },
			func() { VPCMPEQD(zero, x, x) },
		)
	}
	s.add(
		func() { VMOVMSKPS(one, EAX) },
		func() { VMOVD(two, EBX) },
		func() { ANDL(Imm(16), EBX) },
		func() { ORL(EBX, EAX) },
	)
}

// writeAMD64 writes the kernels as the flag -out says.
func writeAMD64() {
	ConstraintExpr("amd64,!purego")
	writeSHA()
	writeWide()
	Generate()
}

// writeSHA writes the kernel with SHA instructions.
//
// Registers: X0 is the rounds' implied operand, X1 to X5 belong to the schedule, X6 to X15 hold the five states.
func writeSHA() {
	TEXT("scanSHA", attr.Attribute(0), "func(j *byte, digits *uint32, groups int) (group int, hits uint32)")
	Doc("scanSHA tries groups of five proofs, the low digits of the first at digits, until one has the zeros. hits has the bits of those that have, in group.")
	buffers := AllocLocal(2 * buffer)
	between = AllocLocal(16 * lanes)
	Load(Param("j"), job)
	Load(Param("digits"), digits)
	Load(Param("groups"), count)
	VZEROUPPER()
	LEAQ(buffers, from)
	LEAQ(buffers.Offset(buffer), to)
	MOVQ(I32(-1), group) // the first turn's rounds run on what happens to be there

	Label("turn")
	for _, instruction := range weave(rounds(), schedule()) {
		instruction()
	}
	XCHGQ(from, to)
	ADDQ(Imm(4*lanes), digits)
	TESTQ(group, group)
	JS(LabelRef("next"))
	TESTL(EAX, EAX)
	JNZ(LabelRef("done"))

	Label("next")
	XORL(EAX, EAX)
	INCQ(group)
	CMPQ(group, count)
	JL(LabelRef("turn"))

	Label("done")
	Store(group, ReturnIndex(0))
	Store(EAX, ReturnIndex(1))
	RET()
}
