package portmap

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"testing"

	"github.com/libp2p/go-libp2p"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noUPnP finds no router.
type noUPnP struct{}

func (noUPnP) GetMapping(ma.Multiaddr) ma.Multiaddr { return nil }
func (noUPnP) HasDiscoveredNAT() bool               { return false }
func (noUPnP) Close() error                         { return nil }

// TestGetMapping: an opened port leads to each listening address with that port, whatever follows it.
func TestGetMapping(t *testing.T) {
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	m := start(h.Network(), noUPnP{}, func() (net.IP, error) { return nil, errors.New("no way out") }, slog.New(slog.DiscardHandler))
	defer m.Close()
	if m.HasDiscoveredNAT() || len(m.ports()) != 0 { // a router leads nobody to loopback
		t.Errorf("found a router: %v, ports %v", m.HasDiscoveredNAT(), m.ports())
	}
	m.stop()
	<-m.done // nothing else writes to open
	m.open[port{"tcp", 15000}] = netip.MustParseAddrPort("1.0.0.11:4001")
	for listen, want := range map[string]string{
		"/ip4/0.0.0.0/tcp/15000":         "/ip4/1.0.0.11/tcp/4001",
		"/ip4/10.40.0.2/tcp/15000/ws":    "/ip4/1.0.0.11/tcp/4001/ws",
		"/ip4/10.40.0.2/tcp/15001":       "",
		"/ip4/10.40.0.2/udp/15000":       "",
		"/ip4/127.0.0.1/tcp/15000":       "",
		"/ip6/::/tcp/15000":              "",
		"/dns4/home.example/tcp/15000":   "",
		"/ip4/10.40.0.2":                 "",
		"/ip4/0.0.0.0/udp/15000/quic-v1": "",
	} {
		got := m.GetMapping(ma.StringCast(listen))
		switch {
		case want == "" && got != nil, want != "" && (got == nil || got.String() != want):
			t.Errorf("%s: %v, want %q", listen, got, want)
		}
	}
}
