package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A wide kernel keeps the same word of many proofs in a vector, one lane a proof, and computes SHA-256 with ordinary vector
// instructions. It is for processors whose SHA instructions are missing, or slow beside their vectors. Schedule and rounds are
// not woven by hand: both use the same units, and the processor finds enough independent work in the order as written.
//
// A word of the schedule is made just before its round, in place of the one of 16 rounds before. The state's eight vectors
// change their names with each round instead of their contents, so that after eight rounds all have their old names, and 16
// rounds can be the body of a loop.
type wide struct {
	vector
	lanes  int
	state  [8]VecPhysical // a to h at the start of a block
	w      [16]Op         // the last 16 words of the first block
	x, y   VecPhysical    // what a step computes
	digits VecPhysical    // the low digits of each lane's proof
	first  VecPhysical    // a after the first block
}

// vector is what depends on the width. The last operand gets the result, none other is changed. all is 32 bits in memory that
// every lane takes.
type vector interface {
	load(from Op, to VecPhysical)
	store(from VecPhysical, to Op)
	fill(all Mem, to VecPhysical)
	add(x Op, to VecPhysical)
	addAll(all Mem, to VecPhysical)
	place(digits VecPhysical, p placed, to VecPhysical)
	rotations(x VecPhysical, by [3]uint64, to VecPhysical) // the xor of x rotated right by each
	shifts(x Op, by [3]uint64, to VecPhysical)             // the same, but the last is a shift
	choose(x, y, z, to VecPhysical)                        // the bits of y where x has ones, else those of z
	majority(x, y, z, to VecPhysical)                      // the bits that two of the three have
	judge(x VecPhysical, mask Mem, hits Register)          // a bit for each lane that is zero under the mask
}

// placed is a word of the message with the low digits: the rest of the word, and how far the digits go right and left for it.
type placed struct{ rest, right, left Mem }

// write writes the kernel, which calls prepare first.
func (k *wide) write(name, doc string, prepare func()) {
	TEXT(name, attr.Attribute(0), "func(j *byte, digits *uint32, groups int) (group int, hits uint32)")
	Doc(doc)
	if prepare != nil {
		prepare()
	}
	Load(Param("j"), job)
	Load(Param("digits"), digits)
	Load(Param("groups"), count)
	XORL(ECX, ECX) // group

	Label("turn")
	k.firstBlock()
	k.secondBlock()
	k.add(k.first, k.state[0])
	k.judge(k.state[0], field(jobMask), EAX)
	TESTL(EAX, EAX)
	JNZ(LabelRef("done"))
	ADDQ(I32(4*k.lanes), digits)
	INCQ(group)
	CMPQ(group, count)
	JL(LabelRef("turn"))

	Label("done")
	VZEROUPPER()
	Store(group, ReturnIndex(0))
	Store(EAX, ReturnIndex(1))
	RET()
}

// firstBlock compresses the first block of all lanes, from the state that the job has. Words 8 to 15 are the same for all, and job has them
// with the constants added.
func (k *wide) firstBlock() {
	k.load(Mem{Base: digits}, k.digits)
	for i, s := range k.state {
		k.fill(field(jobState+4*i), s)
	}
	for i := range 16 {
		h := k.name(i, 7)
		if i < 8 {
			k.place(k.digits, placed{field(jobFirst + 4*i), field(jobRight + 4*i), field(jobLeft + 4*i)}, k.x)
			k.store(k.x, k.w[i])
			k.add(k.x, h)
			k.addAll(constants.Offset(4*i), h)
		} else {
			k.fill(field(jobFirst+4*i), k.x)
			k.store(k.x, k.w[i])
			k.addAll(field(jobKnown+4*(i-8)), h)
		}
		k.round(i)
	}
	k.loop("expansion", constants.Offset(64), 64, 3, func(i int) {
		h := k.name(i, 7)
		k.expand(i)
		k.add(k.w[i], h)
		k.addAll(Mem{Base: from, Disp: 4 * i}, h)
	})
	for i, s := range k.state {
		k.addAll(field(jobState+4*i), s)
	}
	k.load(k.state[0], k.first)
}

// secondBlock compresses the second block, whose words are the same for all lanes, and have the constants added.
func (k *wide) secondBlock() {
	k.loop("tail", field(jobTail), 32, 8, func(i int) {
		k.addAll(Mem{Base: from, Disp: 4 * i}, k.name(i, 7))
	})
}

// loop makes 64 rounds or less in so many turns of a loop; from goes through memory in steps of that many bytes, four a round. feed adds
// the word of round i of a turn to h.
func (k *wide) loop(label string, start Mem, bytes, turns int, feed func(i int)) {
	LEAQ(start, from)
	LEAQ(Mem{Base: from, Disp: bytes * turns}, to)
	Label(label)
	for i := range bytes / 4 {
		feed(i)
		k.round(i)
	}
	ADDQ(I32(bytes), from)
	CMPQ(from, to)
	JNE(LabelRef(label))
}

// name returns the vector that is the letter, 0 for a to 7 for h, in that round.
func (k *wide) name(round, letter int) VecPhysical { return k.state[(letter+16-round)%8] }

// expand makes word i of the next 16.
func (k *wide) expand(i int) {
	back := func(words int) Op { return k.w[(i+16-words)%16] }
	k.shifts(back(15), [3]uint64{7, 18, 3}, k.x)
	k.add(back(16), k.x)
	k.add(back(7), k.x)
	k.shifts(back(2), [3]uint64{17, 19, 10}, k.y)
	k.add(k.y, k.x)
	k.store(k.x, k.w[i])
}

// round is one round, after its word and constant were added to h.
func (k *wide) round(i int) {
	a, b, c, d := k.name(i, 0), k.name(i, 1), k.name(i, 2), k.name(i, 3)
	e, f, g, h := k.name(i, 4), k.name(i, 5), k.name(i, 6), k.name(i, 7)
	k.choose(e, f, g, k.x)
	k.add(k.x, h)
	k.rotations(e, [3]uint64{6, 11, 25}, k.x)
	k.add(k.x, h)
	k.add(h, d)
	k.majority(a, b, c, k.x)
	k.add(k.x, h)
	k.rotations(a, [3]uint64{2, 13, 22}, k.x)
	k.add(k.x, h)
}

// avx512 has 16 lanes, rotations, and any function of three bits in one instruction: the constant says which, its bit xyz what
// comes out for these bits.
type avx512 struct{ s, t VecPhysical }

const (
	xor3 = 0b10010110
	or3  = 0b11111110
	pick = 0b11001010 // x ? y : z
	most = 0b11101000
)

func (avx512) load(from Op, to VecPhysical)   { VMOVDQU32(from, to) }
func (avx512) store(from VecPhysical, to Op)  { VMOVDQA32(from, to) }
func (avx512) fill(all Mem, to VecPhysical)   { VPBROADCASTD(all, to) }
func (avx512) add(x Op, to VecPhysical)       { VPADDD(x, to, to) }
func (avx512) addAll(all Mem, to VecPhysical) { VPADDD_BCST(all, to, to) }

func (v avx512) place(digits VecPhysical, p placed, to VecPhysical) {
	VPBROADCASTD(p.rest, to)
	VPSRLVD_BCST(p.right, digits, v.s)
	VPSLLVD_BCST(p.left, digits, v.t)
	VPTERNLOGD(U8(or3), v.s, v.t, to)
}

func (v avx512) rotations(x VecPhysical, by [3]uint64, to VecPhysical) {
	VPRORD(U8(by[0]), x, to)
	VPRORD(U8(by[1]), x, v.s)
	VPRORD(U8(by[2]), x, v.t)
	VPTERNLOGD(U8(xor3), v.s, v.t, to)
}

func (v avx512) shifts(x Op, by [3]uint64, to VecPhysical) {
	VPRORD(U8(by[0]), x, to)
	VPRORD(U8(by[1]), x, v.s)
	VPSRLD(U8(by[2]), x, v.t)
	VPTERNLOGD(U8(xor3), v.s, v.t, to)
}

func (avx512) choose(x, y, z, to VecPhysical) {
	VMOVDQA32(x, to)
	VPTERNLOGD(U8(pick), z, y, to)
}

func (avx512) majority(x, y, z, to VecPhysical) {
	VMOVDQA32(x, to)
	VPTERNLOGD(U8(most), z, y, to)
}

func (avx512) judge(x VecPhysical, mask Mem, hits Register) {
	VPTESTNMD_BCST(mask, x, K1)
	KMOVW(K1, hits)
}

// avx2 has eight lanes.
type avx2 struct{ s, t VecPhysical }

func (avx2) load(from Op, to VecPhysical)  { VMOVDQU(from, to) }
func (avx2) store(from VecPhysical, to Op) { VMOVDQU(from, to) }
func (avx2) fill(all Mem, to VecPhysical)  { VPBROADCASTD(all, to) }
func (avx2) add(x Op, to VecPhysical)      { VPADDD(x, to, to) }

func (v avx2) addAll(all Mem, to VecPhysical) {
	VPBROADCASTD(all, v.t)
	VPADDD(v.t, to, to)
}

func (v avx2) place(digits VecPhysical, p placed, to VecPhysical) {
	VPBROADCASTD(p.rest, to)
	VPBROADCASTD(p.right, v.s)
	VPSRLVD(v.s, digits, v.s)
	VPBROADCASTD(p.left, v.t)
	VPSLLVD(v.t, digits, v.t)
	VPOR(v.s, to, to)
	VPOR(v.t, to, to)
}

func (v avx2) rotations(x VecPhysical, by [3]uint64, to VecPhysical) {
	VPSRLD(U8(by[0]), x, to)
	v.left(x, 32-by[0], to)
	v.right(x, by[1], to)
	v.left(x, 32-by[1], to)
	v.right(x, by[2], to)
	v.left(x, 32-by[2], to)
}

func (v avx2) shifts(x Op, by [3]uint64, to VecPhysical) {
	VMOVDQU(x, v.s)
	VPSRLD(U8(by[0]), v.s, to)
	v.left(v.s, 32-by[0], to)
	v.right(v.s, by[1], to)
	v.left(v.s, 32-by[1], to)
	v.right(v.s, by[2], to)
}

// right changes to by its xor with x shifted right, left by that with x shifted left.
func (v avx2) right(x VecPhysical, by uint64, to VecPhysical) {
	VPSRLD(U8(by), x, v.t)
	VPXOR(v.t, to, to)
}

func (v avx2) left(x VecPhysical, by uint64, to VecPhysical) {
	VPSLLD(U8(by), x, v.t)
	VPXOR(v.t, to, to)
}

func (avx2) choose(x, y, z, to VecPhysical) {
	VPXOR(y, z, to)
	VPAND(x, to, to)
	VPXOR(z, to, to)
}

func (v avx2) majority(x, y, z, to VecPhysical) {
	VPOR(x, y, to)
	VPAND(z, to, to)
	VPAND(x, y, v.t)
	VPOR(v.t, to, to)
}

func (v avx2) judge(x VecPhysical, mask Mem, hits Register) {
	VPBROADCASTD(mask, v.s)
	VPAND(x, v.s, v.s)
	VPXOR(v.t, v.t, v.t)
	VPCMPEQD(v.t, v.s, v.s)
	VMOVMSKPS(v.s, hits)
}

// writeWide writes both kernels. The words of the first block stand in registers where there are 32 of them, else on the stack.
func writeWide() {
	k := wide{
		vector: avx512{Z30, Z31}, lanes: 16,
		state: [8]VecPhysical{Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7},
		w:     [16]Op{Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15, Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23},
		x:     Z24, y: Z25, digits: Z26, first: Z27,
	}
	k.write("scanAVX512", "scanAVX512 is scanSHA with groups of 16 proofs.", nil)
	k = wide{
		vector: avx2{Y14, Y15}, lanes: 8,
		state: [8]VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7},
		x:     Y8, y: Y9, digits: Y10, first: Y11,
	}
	k.write("scanAVX2", "scanAVX2 is scanSHA with groups of eight proofs.", func() {
		ring := AllocLocal(16 * 32)
		for i := range k.w {
			k.w[i] = ring.Offset(32 * i)
		}
	})
}
