package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"kuai/chain"
)

// remediedError already says what to do.
type remediedError struct{ error }

func (e remediedError) Unwrap() error { return e.error }

// withRemedy adds to damage of the store in cfg's directory what to do about it.
func withRemedy(cfg Config, err error) error {
	switch {
	case cfg.Ephemeral || !errors.Is(err, chain.ErrDamaged) || errors.As(err, new(remediedError)):
		return err
	case errors.Is(err, chain.ErrOtherNetwork):
		return fmt.Errorf("%w\nName its network by --network, or another directory by --port or --data-dir", err)
	}
	dir := quote(filepath.Join(cfg.DataDir, "store"))
	return fmt.Errorf("%w\nMove %s away: the node syncs anew from its peers. Or begin with an export: kuai import FILE", err, dir)
}
