package p2p

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
)

const mdnsRetry = 30 * time.Second

// runMDNS looks for neighbours until ctx ends. Without a network it tries again later: it is never fatal.
func (d *discovery) runMDNS(ctx context.Context) {
	for ctx.Err() == nil {
		s := mdns.NewMdnsService(d.h, "_kuai-"+d.net+"._udp", found{d})
		err := s.Start()
		if err == nil {
			<-ctx.Done()
		}
		_ = s.Close()
		if err != nil {
			d.log.Debug("no mDNS, trying again later", "error", err)
			pause(ctx, mdnsRetry)
		}
	}
}

// found takes what mDNS finds.
type found struct{ d *discovery }

// HandlePeerFound notes a neighbour.
func (f found) HandlePeerFound(info peer.AddrInfo) {
	if info.ID != f.d.h.ID() {
		f.d.book.heard(info, true)
		signal(f.d.seek)
	}
}
