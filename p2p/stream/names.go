package stream

import (
	"slices"
	"strconv"
	"strings"

	"github.com/libp2p/go-libp2p/core/protocol"
)

// The stream protocols, one request each.
const (
	Status = "status"
	Sync   = "sync"
	Blocks = "blocks"
	Pool   = "pool"
	Peers  = "peers"
	Sides  = "sides" // of lab nodes only
)

// versions has the versions of each protocol that this program speaks. The protocol's handler serves all of
// them, and finds the stream's in Exchange.Version. A client uses the newest one that the peer lists, and
// VersionOf returns it.
var versions = versionTable{}

// versionTable has the versions of protocols, newest first. A protocol that is not in it has only version 1.
type versionTable map[string][]int

// ids returns the full names of a protocol, newest version first.
func (s versionTable) ids(net, name string) (all []protocol.ID) {
	list := s[name]
	if len(list) == 0 {
		list = []int{1}
	}
	for _, version := range list {
		all = append(all, protocol.ID("/kuai/"+net+"/"+name+"/"+strconv.Itoa(version)))
	}
	return all
}

// ID returns the full name of the newest version of a protocol, for the log.
func ID(net, name string) protocol.ID { return versions.ids(net, name)[0] }

// Lists reports whether a peer that speaks these protocols speaks a version of name that this program speaks, too.
func Lists(speaks []protocol.ID, net, name string) bool {
	return slices.ContainsFunc(versions.ids(net, name), func(id protocol.ID) bool { return slices.Contains(speaks, id) })
}

// VersionOf returns the version at the end of a protocol's full name, 0 if there is none.
func VersionOf(id protocol.ID) int {
	text := string(id)
	version, err := strconv.ParseUint(text[strings.LastIndexByte(text, '/')+1:], 10, 16)
	if err != nil {
		return 0
	}
	return int(version)
}
