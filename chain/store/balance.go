package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// SetBalance puts what the account has at the tip.
func (b *Batch) SetBalance(account [32]byte, balance int64) {
	key := balanceKey(b.key[:0], account)
	if balance == 0 {
		b.remove(key)
		return
	}
	b.val = binary.AppendUvarint(b.val[:0], uint64(balance))
	b.set(key, b.val)
}

// Balance returns what the account has at the tip.
func (r Reader) Balance(account [32]byte) (balance int64, err error) {
	var k [33]byte
	key := balanceKey(k[:0], account)
	_, err = r.get(key, func(value []byte) error {
		balance, err = parseBalance(key, value)
		return err
	})
	return balance, err
}

// EachBalance calls use for every account that has something, by account.
func (r Reader) EachBalance(use func(account [32]byte, balance int64) error) error {
	for p, err := range r.scanKind(kindBalance) {
		if err != nil {
			return err
		}
		balance, err := parseBalance(p.key, p.value)
		if err != nil {
			return err
		}
		if err := use([32]byte(p.key[1:]), balance); err != nil {
			return err
		}
	}
	return nil
}

func parseBalance(key, value []byte) (int64, error) {
	v := reader{rest: value, bad: len(key) != 33}
	balance := int64(v.uint())
	v.bad = v.bad || balance <= 0 || len(v.rest) > 0
	return balance, v.err("balance", key)
}

// SetWork puts the work of the chain up to the block at p, a big-endian number.
func (b *Batch) SetWork(p Position, work [32]byte) {
	b.set(workKey(b.key[:0], p), bytes.TrimLeft(work[:], "\x00"))
}

// DeleteWork removes that of a block that is dropped.
func (b *Batch) DeleteWork(p Position) { b.remove(workKey(b.key[:0], p)) }

// Work returns the work of the chain up to the block at p, which must be there.
func (r Reader) Work(p Position) (work [32]byte, err error) {
	var k [13]byte
	key := workKey(k[:0], p)
	ok, err := r.get(key, func(value []byte) error {
		if len(value) > len(work) {
			return fmt.Errorf("%w: work at key %x has %d bytes", ErrDamaged, key, len(value))
		}
		copy(work[len(work)-len(value):], value)
		return nil
	})
	if err == nil && !ok {
		err = fmt.Errorf("%w: block %d of branch %d has no work", ErrDamaged, p.Index, p.Branch)
	}
	return work, err
}
