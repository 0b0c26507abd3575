package p2p

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/pnet"
	protectedconn "github.com/libp2p/go-libp2p/p2p/net/pnet"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/multiformats/go-multistream"

	"kuai/p2p/addrpolicy"
)

// Identify connects to host:port over TCP and returns the multiaddr of the peer that answers there, with its
// peer id, as a dial wants it. The peer proves its id by a Noise handshake and, if swarmKey is not nil, that it
// has the swarm key; nothing else is said. ctx bounds it.
func Identify(ctx context.Context, hostPort string, swarmKey []byte) (address string, err error) {
	dialer := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address) // after resolution, so that no name hides an address
		if err != nil {
			return err
		}
		return addrpolicy.Check(to.Addr())
	}}
	conn, err := dialer.DialContext(ctx, "tcp", hostPort)
	if err != nil {
		return "", fmt.Errorf("peer at %s: %w", hostPort, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	at, err := manet.FromNetAddr(conn.RemoteAddr())
	if err != nil {
		return "", err
	}
	id, err := shakeHands(ctx, conn, swarmKey)
	if err != nil {
		return "", fmt.Errorf("no peer of this network answers at %s: %w", hostPort, err)
	}
	return at.String() + "/p2p/" + id.String(), nil
}

// shakeHands returns the peer id of the other end of conn. It uses a random identity of its own.
func shakeHands(ctx context.Context, conn net.Conn, swarmKey []byte) (peer.ID, error) {
	if swarmKey != nil {
		psk, err := pnet.DecodeV1PSK(bytes.NewReader(swarmKey))
		if err != nil {
			return "", fmt.Errorf("swarm key: %w", err)
		}
		if conn, err = protectedconn.NewProtectedConn(psk, conn); err != nil {
			return "", err
		}
	}
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return "", err
	}
	handshake, err := noise.New(noise.ID, key, nil)
	if err != nil {
		return "", err
	}
	if err := multistream.SelectProtoOrFail(noise.ID, conn); err != nil {
		return "", err
	}
	secure, err := handshake.WithSessionOptions(noise.DisablePeerIDCheck()) // its id is not known yet
	if err != nil {
		return "", err
	}
	session, err := secure.SecureOutbound(ctx, conn, "")
	if err != nil {
		return "", err
	}
	defer session.Close()
	return session.RemotePeer(), nil
}
