// Package mdns finds the instances of one service on the local network by multicast DNS (RFC 6762), in the form
// that libp2p specifies: a PTR record leads from the service to an instance with a random name, whose TXT
// record holds what the others need to know. It knows nothing of libp2p.
//
//	packet   what packets say, and how they are written          pure
//	agent    when to ask, answer, announce and stay silent       pure: told the time and what was heard
//	link     interfaces and their sockets
//	run      one agent for each interface, as interfaces come and go
//
// Traffic does not grow with the square of the instances. A query lists the instances that its sender knows, so
// they do not answer; it counts as the query of everybody who knows no more; queries become rare (1 s, doubled
// each time, up to longestInterval) and stop while enough peers are connected. A new instance announces itself
// and asks at once.
//
// What is not done: a name is not probed for conflicts, as it is random; known answers are not answered by unicast, as
// several processes of a machine share the port and only one of them would hear it.
package mdns
