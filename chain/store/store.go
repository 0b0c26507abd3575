// Package store keeps the chain's bytes in Pebble. It knows keys and batches, not rules.
package store

// Store is an open database.
type Store struct{}

// Open opens or creates the database in dir.
func Open(dir string) (*Store, error) { panic("skeleton") }

// OpenMemory opens the same engine in memory.
func OpenMemory() (*Store, error) { panic("skeleton") }

// Close releases the database.
func (s *Store) Close() error { panic("skeleton") }
