package p2p

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// maxReason bounds what is remembered of one failure, in bytes.
const maxReason = 300

// redial is when a peer is dialled next, and why the last dial did not connect it.
type redial struct {
	fails int       // dials in a row that did not connect
	next  time.Time // no dial before
	err   string    // of the last dial; "" if it connected
}

// show adds to e what is known of the dials to a peer that is not connected.
func (r redial) show(e *Peer) { e.LastError, e.NextDial = r.err, r.next }

// reason is a failed dial's error in one line: each address with what happened there.
func reason(err error) string {
	text := err.Error()
	if all := (*swarm.DialError)(nil); errors.As(err, &all) && len(all.DialErrors) > 0 {
		var lines []string
		for _, e := range all.DialErrors {
			lines = append(lines, fmt.Sprintf("%s: %v", e.Address, e.Cause))
		}
		text = strings.Join(lines, "; ")
	}
	return text[:min(len(text), maxReason)]
}
