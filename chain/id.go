package chain

import "crypto/rand"

// NewID draws a random id.
func NewID() ID {
	var id ID
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process where the system has no randomness
	return id
}
