package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"kuai/chain/canonical"
	"kuai/p2p/addrpolicy"
	"kuai/rpc/api"
)

// Bounds of outgoing requests.
const (
	maxAddress   = 256              // bytes of a peer id, or of a network's
	outTimeout   = 10 * time.Second // a whole request
	dialTimeout  = 3 * time.Second
	maxChainBody = 64 << 20 // another node's /chain
	maxNodeBody  = 64 << 10 // another node's /node
)

// wrongStatus is an answer other than 200. It wraps ErrNoNode.
type wrongStatus struct {
	url    string
	status int
}

func (e *wrongStatus) Error() string {
	return fmt.Sprintf("%s: %v (status %d)", e.url, ErrNoNode, e.status)
}

func (e *wrongStatus) Unwrap() error { return ErrNoNode }

// statusOf returns the HTTP status behind what get, node and isFlask return, 0 if there was no answer.
func statusOf(err error) int {
	var other *wrongStatus
	switch {
	case errors.As(err, &other):
		return other.status
	case err == nil || errors.Is(err, ErrNoNode):
		return http.StatusOK
	}
	return 0
}

// outbound asks other nodes.
type outbound struct {
	client *http.Client
	agent  string
}

func newOutbound(agent string) *outbound {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address) // after resolution, so that no name hides an address
		if err != nil {
			return err
		}
		return addrpolicy.Check(to.Addr())
	}}
	transport := &http.Transport{
		Proxy:                  nil,
		DialContext:            asking(dialer),
		DisableKeepAlives:      true,
		DisableCompression:     true, // a small answer must not become a large one
		TLSHandshakeTimeout:    dialTimeout,
		MaxResponseHeaderBytes: 64 << 10,
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &outbound{client: &http.Client{Transport: transport, CheckRedirect: stay, Timeout: outTimeout}, agent: agent}
}

// asking dials connections that read nothing before something was written. What does not speak HTTP may speak first; its
// bytes are then the answer to the request, and get an error that says so, however early they come.
func asking(dialer *net.Dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &askingConn{Conn: conn, asked: make(chan struct{})}, nil
	}
}

// askingConn is a connection of asking.
type askingConn struct {
	net.Conn
	once  sync.Once
	asked chan struct{} // closed by the first Write, and by Close
}

func (c *askingConn) Read(b []byte) (int, error) {
	<-c.asked
	return c.Conn.Read(b)
}

func (c *askingConn) Write(b []byte) (int, error) {
	defer c.once.Do(func() { close(c.asked) })
	return c.Conn.Write(b)
}

func (c *askingConn) Close() error {
	defer c.once.Do(func() { close(c.asked) })
	return c.Conn.Close()
}

// get opens url; any status but 200 is ErrNoNode. The caller closes the body, which fails past limit bytes.
func (o *outbound) get(ctx context.Context, url string, limit int64) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if o.agent != "" {
		req.Header.Set("User-Agent", o.agent)
	}
	res, err := o.client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		return nil, &wrongStatus{url: url, status: res.StatusCode}
	}
	return http.MaxBytesReader(nil, res.Body, limit), nil // fails, rather than ends: half an answer is none
}

// tooLong says of an answer what http.MaxBytesReader says of a request.
func tooLong(err error) error {
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return fmt.Errorf("the answer is longer than the %d bytes that are read of it", large.Limit)
	}
	return err
}

// node asks a kuai node who it is. An answer that is none is ErrNoNode.
func (o *outbound) node(ctx context.Context, base string) (api.Node, error) {
	body, err := o.get(ctx, base+"/node", maxNodeBody)
	if err != nil {
		return api.Node{}, err
	}
	defer body.Close()
	text, err := io.ReadAll(canonical.NewTextReader(body))
	if err != nil {
		return api.Node{}, tooLong(err)
	}
	var info api.Node
	if err := json.Unmarshal(text, &info); err != nil || info.PeerID == "" || len(info.PeerID) > maxAddress || info.Network == "" || len(info.Network) > maxAddress {
		return api.Node{}, fmt.Errorf("%s/node: %w", base, ErrNoNode)
	}
	return info, nil
}

// chainPrefix is how much of a /chain is read to tell a Flask neighbour.
const chainPrefix = 512

// isFlask returns nil if base answers /chain with something that begins like a chain.
func (o *outbound) isFlask(ctx context.Context, base string) error {
	body, err := o.get(ctx, base+"/chain", maxChainBody)
	if err != nil {
		return err
	}
	defer body.Close()
	start := make([]byte, chainPrefix)
	n, _ := io.ReadFull(canonical.NewTextReader(body), start)
	text := strings.TrimLeft(string(start[:n]), " \t\r\n")
	if !strings.HasPrefix(text, "{") || !strings.Contains(text, `"chain"`) && !strings.Contains(text, `"length"`) {
		return fmt.Errorf("%s/chain: %w", base, ErrNoNode)
	}
	return nil
}
