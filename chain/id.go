package chain

import (
	"crypto/rand"

	"kuai/chain/consensus"
)

// NewID draws a random id.
func NewID() consensus.ID {
	var id consensus.ID
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process where the system has no randomness
	return id
}
