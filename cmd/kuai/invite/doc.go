// Package invite reads and writes invitation codes: a network, the key that keeps others out of it, and where nodes of it are.
//
// # What a code says
//
//	network of its own   a seed of 10 random bytes, from which the genesis block and the swarm key are derived, and the zeros of a proof
//	a built-in network   its number; classic has none
//	any other network    its rules as a network file, compressed, and the 32 bytes of its swarm key if it has one
//	a teacher            10 bytes that tell the node which may put lab nodes on two sides; without one, nobody's may
//	addresses            IP addresses or host names with ports; a port of 15000 takes no room
//
// A network of its own with one IPv4 address is 20 bytes, 32 letters:
//
//	1 byte   version (3 bits), form (1 bit), options (4 bits)
//	…        the network
//	…        a byte 5, then the teacher: always in version 2, perhaps in version 3, which a built-in network has
//	…        addresses: a byte for the kind, then the address
//	4 bytes  CRC-32C of all before
//
// The letters are Crockford's base 32, which lacks I, L, O and U, in groups of four. Reading ignores case, spaces and dashes, takes I and
// L for 1 and O for 0, and takes the wide letters of Chinese and Japanese keyboards. The checksum finds one wrong letter, two exchanged
// neighbours and a missing letter; of other mistakes one in four billion passes.
//
// # What a code is not
//
// It is not a password for one person: everybody who has it is in the network, and can pass it on. A network with a swarm key whose code got
// out needs a new network.
package invite
