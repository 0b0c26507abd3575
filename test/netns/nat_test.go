//go:build linux

package netns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"kuai/test/process"
)

// natPMP serves NAT-PMP (RFC 6886) on a router: each host inside gets the port that it asks for.
type natPMP struct {
	t       *testing.T
	at      *space
	outside netip.Addr
	conn    net.PacketConn

	mu   sync.Mutex
	open map[string]string // rules of iptables, by the address inside
}

// mapsPorts begins to serve, until the test ends.
func (s *space) mapsPorts(t *testing.T, outside string) *natPMP {
	t.Helper()
	n := &natPMP{t: t, at: s, outside: netip.MustParseAddr(outside), open: make(map[string]string)}
	if err := s.do(func() (err error) { n.conn, err = net.ListenPacket("udp4", ":5351"); return err }); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); n.serve() }()
	t.Cleanup(func() { _ = n.conn.Close(); <-done })
	return n
}

func (n *natPMP) serve() {
	for request := make([]byte, 64); ; {
		size, from, err := n.conn.ReadFrom(request)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || size < 2 || request[0] != 0 {
			continue
		}
		if answer := n.answer(request[:size], from.(*net.UDPAddr)); answer != nil {
			_, _ = n.conn.WriteTo(answer, from)
		}
	}
}

// answer answers the two requests that there are: for the outside address, and for a port.
func (n *natPMP) answer(request []byte, from *net.UDPAddr) []byte {
	answer := binary.BigEndian.AppendUint32([]byte{0, 128 + request[1], 0, 0}, 1) // success, and the time since the router's start
	switch op := request[1]; {
	case op == 0:
		return append(answer, n.outside.AsSlice()...)
	case op == 2 && len(request) == 12: // TCP
		to, outside := fmt.Sprintf("%s:%d", from.IP, binary.BigEndian.Uint16(request[4:])), binary.BigEndian.Uint16(request[6:])
		n.close(to)
		if lifetime := binary.BigEndian.Uint32(request[8:]); lifetime > 0 {
			n.lead(outside, to)
		}
		return append(answer, request[4:]...)
	}
	return nil
}

// lead has packets that come to a port from outside go to an address inside.
func (n *natPMP) lead(port uint16, to string) {
	rule := fmt.Sprintf("PREROUTING -i out -p tcp --dport %d -j DNAT --to-destination %s", port, to)
	n.table("-A " + rule)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open[to] = rule
}

// close undoes lead.
func (n *natPMP) close(to string) {
	n.mu.Lock()
	rule, ok := n.open[to]
	delete(n.open, to)
	n.mu.Unlock()
	if ok {
		n.table("-D " + rule)
	}
}

func (n *natPMP) table(change string) {
	cmd := exec.Command("iptables", strings.Fields("-t nat "+change)...)
	if err := n.at.do(cmd.Run); err != nil {
		n.t.Errorf("%v: %v", cmd, err)
	}
}

// opened lists where ports lead to.
func (n *natPMP) opened() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Keys(n.open))
}

// dialable is what a node says of whether it can be dialled from outside.
type dialable struct {
	State   string `json:"state"`
	Address string `json:"address"`
	By      string `json:"by"`
}

func (n *node) dialable() (d dialable) {
	n.t.Helper()
	var answer struct {
		Dialable dialable `json:"dialable"`
	}
	n.get("/node", &answer)
	return answer.Dialable
}

// becomes waits until a node says a state of an address that begins as given, found by one of witnesses.
func (n *node) becomes(state, address string, witnesses ...*node) dialable {
	n.t.Helper()
	var got dialable
	process.Eventually(n.t, n.at.name+" knows whether it can be dialled", 2*settle, func() error {
		got = n.dialable()
		known := len(witnesses) == 0 && got.By == ""
		for _, w := range witnesses {
			known = known || got.By == w.info().PeerID
		}
		if got.State != state || !strings.HasPrefix(got.Address, address) || !known {
			return fmt.Errorf("it says %+v", got)
		}
		return nil
	})
	return got
}

// TestNAT runs nodes behind routers. The first router opens the port that it is asked for, and the address that results leads a newcomer
// in; the second one knows no such request: a node there has no address, another one announces an address that leads nowhere.
// The addresses outside are public ones, as nobody tries others.
func TestNAT(t *testing.T) {
	l := newLAN(t, "lan")
	public := l.host(t, "public", "1.0.0.1", "--nat")
	router, inside := l.router(t, "router", "1.0.0.11", "10.40.0")
	ports := router.mapsPorts(t, "1.0.0.11")
	home := newNode(t, inside.behind(t, "home", "10.40.0", "2"), "").begin("--nat", "--peer", public.multiaddr())
	_, inside = l.router(t, "closed router", "1.0.0.12", "10.41.0")
	shut := newNode(t, inside.behind(t, "shut", "10.41.0", "2"), "").begin("--nat", "--peer", public.multiaddr())
	lost := newNode(t, inside.behind(t, "lost", "10.41.0", "3"), "").begin("--nat", "--peer", public.multiaddr(), "--announce", "/ip4/1.0.0.12/tcp/4001")

	public.becomes("yes", "/ip4/1.0.0.1/tcp/15000/p2p/", home, shut, lost)
	shut.becomes("no", "")
	lost.becomes("no", "/ip4/1.0.0.12/tcp/4001/p2p/", public)
	address := home.becomes("yes", "/ip4/1.0.0.11/tcp/", public).Address

	newcomer := l.host(t, "newcomer", "1.0.0.2", "--peer", address)
	home.mine()
	agreed(t, 2, home, newcomer, public, shut, lost)
	if p, ok := newcomer.peers()[home.info().PeerID]; !ok || !strings.HasPrefix(p.Address, "/ip4/1.0.0.11/") {
		t.Errorf("the newcomer's peer: %+v", p)
	}
	if d := newcomer.dialable(); d != (dialable{}) {
		t.Errorf("a node without --nat says %+v", d)
	}
	if got := ports.opened(); len(got) != 1 || got[0] != "10.40.0.2:15000" {
		t.Errorf("the router leads to %v", got)
	}
	for _, n := range []*node{home, shut} { // the second one's router does not answer
		n.Stop()
	}
	if got := ports.opened(); len(got) != 0 {
		t.Errorf("the router still leads to %v", got)
	}
}
