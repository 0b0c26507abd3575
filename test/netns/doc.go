// Package netns looks at real daemons from other hosts: each runs in a network namespace of its own, joined by veth pairs to a bridge
// in another one, with addresses of 198.18.0.0/15 (RFC 2544, for tests), which count as public.
//
// Namespaces have no names: each is held by a thread and an open file of the test's process and is gone with it, as are its processes.
// Attackers and crowds of honest peers are this test's own binary, started again in a namespace with a role to play.
//
// The suite needs Linux, root, iproute2, iptables and /dev/net/tun. Where one is missing it says so and skips; with CI=true it fails.
package netns
