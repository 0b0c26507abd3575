package p2p

import (
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

// sayEvery is how often a limit that refuses connections is named in the log.
const sayEvery = time.Minute

// frankManager is a resource manager that says when it refuses connections.
type frankManager struct {
	network.ResourceManager
	log *slog.Logger

	mu   sync.Mutex
	said time.Time
}

// OpenConnection lets a connection in, or says once in a while why not.
func (m *frankManager) OpenConnection(dir network.Direction, usefd bool, at ma.Multiaddr) (network.ConnManagementScope, error) {
	scope, err := m.ResourceManager.OpenConnection(dir, usefd, at)
	if err == nil {
		return scope, nil
	}
	m.mu.Lock()
	again := time.Since(m.said) < sayEvery
	if !again {
		m.said = time.Now()
	}
	m.mu.Unlock()
	if !again {
		m.log.Warn("connection refused by a limit of this node", "address", at, "error", err)
	}
	return scope, err
}
