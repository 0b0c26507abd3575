package peers

import (
	"strconv"
	"strings"

	"github.com/libp2p/go-libp2p/core/protocol"

	"kuai/p2p/stream"
)

// foreignNetwork returns the network of a peer that speaks the protocols of another one and not of ours, else "".
func foreignNetwork(protocols []protocol.ID, ours string) (theirs string) {
	for _, id := range protocols {
		switch net, ok := networkOf(id); {
		case ok && net == ours:
			return ""
		case ok:
			theirs = net
		}
	}
	return theirs
}

// networkOf returns the network in a status protocol's name, of any version: a later one may be all that a peer lists.
func networkOf(id protocol.ID) (string, bool) {
	parts := strings.Split(string(id), "/")
	if len(parts) != 5 || parts[0] != "" || parts[1] != "kuai" || parts[3] != stream.Status {
		return "", false
	}
	if _, err := strconv.ParseUint(parts[4], 10, 16); err != nil {
		return "", false
	}
	return parts[2], true
}
