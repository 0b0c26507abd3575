//go:build linux

package netns

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	dialTime  = 5 * time.Second
	shakeTime = 10 * time.Second

	streamsTime = 5 * time.Second
	muteTime    = 60 * time.Second
	muteStreams = 120
	retryTime   = 10 * time.Millisecond
)

// idle opens connections and says nothing.
func idle(p part, t *tally) {
	each(p.Count, 256, func(i int) { t.hold(p.connect(i)) })
}

// halfRequests opens connections, all at once, and says half of a request on each.
func halfRequests(p part, t *tally) {
	each(p.Count, p.Count, func(i int) {
		c, err := p.connect(i)
		if err == nil {
			_, err = io.WriteString(c, "GET /node HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
		}
		t.hold(c, err)
	})
}

// connect dials from the part's i-th address.
func (p part) connect(i int) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTime, KeepAlive: -1}
	if len(p.From) > 0 {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(p.From[i%len(p.From)])}
	}
	return d.Dial("tcp", p.To)
}

// target splits the multiaddr of a node into where and who.
func (p part) target() (part, peer.AddrInfo, error) {
	info, err := peer.AddrInfoFromString(p.To)
	if err != nil {
		return p, peer.AddrInfo{}, err
	}
	_, p.To, err = manet.DialArgs(info.Addrs[0])
	return p, *info, err
}

// secured opens connections, each as a peer of its own with a whole handshake, and answers nothing after that.
func secured(p part, t *tally) {
	p, info, err := p.target()
	if err != nil {
		t.hold(nil, err)
		return
	}
	each(p.Count, 64, func(i int) { t.hold(p.shake(i, info.ID)) })
}

// shake makes the i-th connection of a stranger to id.
func (p part) shake(i int, id peer.ID) (network.MuxedConn, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, err
	}
	security, err := noise.New(noise.ID, key, []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}})
	if err != nil {
		return nil, err
	}
	raw, err := p.connect(i)
	if err != nil {
		return nil, err
	}
	conn, err := secure(raw, security, id)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return conn, nil
}

func secure(raw net.Conn, security *noise.Transport, id peer.ID) (network.MuxedConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), shakeTime)
	defer cancel()
	if err := raw.SetDeadline(time.Now().Add(shakeTime)); err != nil {
		return nil, err
	}
	if err := choose(raw, noise.ID); err != nil {
		return nil, err
	}
	safe, err := security.SecureOutbound(ctx, raw, id)
	if err != nil {
		return nil, err
	}
	if err := raw.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return yamux.DefaultTransport.NewConn(safe, false, nil)
}

// choose agrees on a protocol, as multistream does.
func choose(c io.ReadWriter, id string) error {
	want := line("/multistream/1.0.0") + line(id)
	if _, err := io.WriteString(c, want); err != nil {
		return err
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if string(got) != want {
		return fmt.Errorf("asked for %q, answered %q", want, got)
	}
	return nil
}

// line is a line of multistream.
func line(s string) string { return string(rune(len(s)+1)) + s + "\n" }

// streams connects as one peer and opens streams of every protocol that the node speaks, and says nothing on them. While it is
// disconnected it tries to connect again, for some time.
func streams(p part, t *tally) {
	info, err := peer.AddrInfoFromString(p.To)
	if err != nil {
		t.hold(nil, err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), streamsTime)
	defer cancel()
	h, err := stranger()
	if err != nil {
		t.hold(nil, err)
		return
	}
	each(p.Count, 64, func(i int) {
		st, err := open(ctx, h, *info, i)
		for err != nil && ctx.Err() == nil {
			t.hold(nil, err)
			time.Sleep(retryTime)
			st, err = open(ctx, h, *info, i)
		}
		t.hold(st, err)
	})
}

// open opens a stream of the i-th of the peer's protocols, in turn.
func open(ctx context.Context, h host.Host, to peer.AddrInfo, i int) (network.Stream, error) {
	if err := h.Connect(ctx, to); err != nil {
		return nil, err
	}
	protocols, err := h.Peerstore().GetProtocols(to.ID)
	if err != nil || len(protocols) == 0 {
		return nil, fmt.Errorf("no protocols: %v", err)
	}
	st, err := h.Network().NewStream(ctx, to.ID)
	if err != nil {
		return nil, err
	}
	_ = st.SetDeadline(time.Now().Add(streamsTime))
	_, err = io.WriteString(st, line("/multistream/1.0.0")+line(string(protocols[i%len(protocols)])))
	return st, err
}

// stranger is a peer that dials only and knows no limits.
func stranger() (host.Host, error) {
	return libp2p.New(libp2p.NoListenAddrs, libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.DisableRelay())
}

// mute connects as many peers at once, which open streams and do not even say of which protocol. For a peer that is disconnected
// another one comes. All this goes on after the part is done.
func mute(p part, t *tally) {
	info, err := peer.AddrInfoFromString(p.To)
	if err != nil {
		t.hold(nil, err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), muteTime)
	var first, all sync.WaitGroup
	for range p.Count {
		first.Add(1)
		all.Go(func() {
			opened := sync.OnceFunc(func() { t.hold(true, nil); first.Done() })
			for ctx.Err() == nil {
				_ = sulk(ctx, *info, opened)
				time.Sleep(retryTime)
			}
		})
	}
	first.Wait()
	go func() { all.Wait(); cancel() }()
}

// sulk is the life of a mute peer, until it is disconnected: it holds as many streams as it gets, and opens another one for each that is timed out.
func sulk(ctx context.Context, to peer.AddrInfo, opened func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h, err := stranger()
	if err != nil {
		return err
	}
	h.Network().Notify(&network.NotifyBundle{DisconnectedF: func(network.Network, network.Conn) { cancel() }})
	if err := h.Connect(ctx, to); err != nil {
		return errors.Join(err, h.Close())
	}
	var streams sync.WaitGroup
	for range muteStreams {
		streams.Go(func() {
			for ctx.Err() == nil {
				if st, err := h.Network().NewStream(ctx, to.ID); err == nil {
					_, _ = st.Write([]byte{19})
					_, _ = io.Copy(io.Discard, st) // until it is reset
				}
				time.Sleep(retryTime)
			}
		})
	}
	opened()
	<-ctx.Done()
	err = h.Close()
	streams.Wait()
	return err
}
