package rpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
)

// Asker asks URLs which node answers there.
type Asker struct{ out *outbound }

// NewAsker returns an Asker that introduces itself as agent.
func NewAsker(agent string) *Asker { return &Asker{newOutbound(agent)} }

// Answer is what a kuai node at a URL says of itself.
type Answer struct {
	ID        string   // peer id
	Addresses []string // multiaddrs with /p2p/
	Network   string   // its id
	Status    int      // of GET /node, also beside an error; 0: there was no answer
}

// Errors of a URL that answers, and not as a kuai node.
var (
	ErrFlask  = errors.New("a Flask node answers") // a node of the tutorial
	ErrNoNode = errors.New("no node answers there")
)

// Ask asks url for /node, and for /chain if that is not a node's. Its error says in few words what answers in place of a kuai node: it wraps
// ErrFlask, ErrNoNode or, if nothing answers, the cause, which is addrpolicy.ErrRefused for an address that must not be asked.
func (a *Asker) Ask(ctx context.Context, url string) (Answer, error) {
	info, err := a.out.node(ctx, url)
	said := Answer{Status: statusOf(err)}
	switch {
	case err == nil:
		return Answer{ID: info.PeerID, Addresses: info.Addresses, Network: info.Network, Status: said.Status}, nil
	case !errors.Is(err, ErrNoNode):
		return said, shortError{err}
	}
	err = a.out.isFlask(ctx, url)
	switch chain := statusOf(err); {
	case err == nil:
		return said, ErrFlask
	case said.Status == http.StatusUnauthorized && chain == http.StatusUnauthorized:
		return said, fmt.Errorf("%w: it asks for a token; connect to its multiaddr, which it prints at its start", ErrNoNode)
	case chain > 0:
		return said, fmt.Errorf("%w: it answers %d to /node and %d to /chain", ErrNoNode, said.Status, chain)
	}
	return said, fmt.Errorf("%w: it answers %d to /node and nothing to /chain", ErrNoNode, said.Status)
}

// shortError is an error of a request whose text is its reason alone.
type shortError struct{ error }

func (e shortError) Error() string { return reason(e.error) }

func (e shortError) Unwrap() error { return e.error }

// errNotHTTP says of a port that something else than HTTP answers there.
var errNotHTTP = errors.New("it does not speak HTTP: if that is its port for peers, give its HTTP port or its multiaddr")

// isNotHTTP reports whether a request failed because the answer was not HTTP.
func isNotHTTP(err error) bool {
	return strings.Contains(err.Error(), "malformed HTTP") // and the bytes that came
}

// reason shortens an error of a request to what stays the same while the cause does: no URL, no local port.
func reason(err error) string {
	var (
		op      *net.OpError
		call    *os.SyscallError
		name    *net.DNSError
		timeout net.Error
	)
	switch {
	case errors.As(err, &call):
		return call.Err.Error()
	case errors.As(err, &name) && name.IsNotFound:
		return fmt.Sprintf("no machine is known by the name %s", name.Name)
	case errors.As(err, &name):
		return fmt.Sprintf("the name %s cannot be looked up", name.Name)
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, &op):
		return op.Err.Error()
	case isNotHTTP(err):
		return errNotHTTP.Error()
	case errors.Is(err, http.ErrSchemeMismatch):
		return "it speaks HTTP, not HTTPS: write http:// in place of https://"
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return "this machine does not trust its certificate"
	}
	return err.Error()
}
