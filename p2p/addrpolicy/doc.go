// Package addrpolicy judges the addresses that a node is about to dial, whether over HTTP or libp2p.
//
// Other nodes and clients name most of these addresses. Without a policy they could make this node talk to the
// metadata service of its cloud or to devices that only its own link reaches. Loopback and private addresses
// are allowed: a class, a compose file and two nodes on one laptop all live there.
//
// Link-local addresses are refused without exception, also those of real neighbours. Nothing tells an honest
// 169.254.x.y from an invented one, clouds put services on that range, and libp2p never dials
// fe80::/10 in any case. A neighbour on such an address can still connect to this node; a network without DHCP
// needs addresses of its own, like 192.168.0.0/16. The unspecified address is loopback by another name, and the
// one that Flask prints, so it is allowed.
//
// The package is pure: it resolves no names. Callers judge each address after resolution, so that no name hides one.
package addrpolicy
