package invite

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"kuai/chain/canonical"
	"kuai/chain/consensus"
)

// Sizes of what a code holds.
const (
	seedBytes    = 10 // 80 random bits: nobody finds the key of a network by trying seeds
	keyBytes     = 32 // of a swarm key
	teacherBytes = 10
	maxFile      = 4 << 10 // bytes of a network file
	MaxZeros     = 15      // of a network of its own: what four bits hold
	nameLetters  = 4       // of the seed's digest, in the network's name
)

// Seed is what a network of its own is derived from.
type Seed [seedBytes]byte

// Invitation is what a code says. Either Own is set, or Network and SwarmKey say which network it is.
type Invitation struct {
	Own       *Own
	Network   []byte   // the text of a network file; nil: classic
	SwarmKey  []byte   // 32 bytes; nil: none
	Addresses []string // host:port of nodes of the network
	Teacher   Teacher  // whose node may put those that join with a lab on a side of the network; zero: nobody's
}

// Teacher tells a node by its peer id: the beginning of its digest, as a whole id would make the code longer than people type. To find another
// node with the same one takes 2^80 attempts.
type Teacher [teacherBytes]byte

// TeacherOf returns how a code names a node.
func TeacherOf(peerID string) Teacher {
	d := sha256.Sum256([]byte("kuai invitation, teacher\n" + peerID))
	return Teacher(d[:teacherBytes])
}

// Own is a network that was made for an invitation.
type Own struct {
	Seed  Seed
	Zeros int // hex zeros of a proof
}

// New draws a network of its own.
func New(zeros int) Invitation {
	own := Own{Zeros: zeros}
	_, _ = rand.Read(own.Seed[:]) // never fails
	return Invitation{Own: &own}
}

// digest derives what a seed is used for. Who knows one digest does not know the others.
func (o Own) digest(use string) [sha256.Size]byte {
	return sha256.Sum256(append([]byte("kuai invitation, "+use+"\n"), o.Seed[:]...))
}

// file is the network's file. The first block is the tutorial's but for its previous_hash, which no other network has.
func (o Own) file() []byte {
	d := o.digest("genesis")
	text := fmt.Sprintf("%x", d)
	return fmt.Appendf(nil, `{"name": "class-%s", "zeros": %d, "genesis": {"index": 1, "previous_hash": "%s", "proof": 100, `+
		`"timestamp": 1626739200.0, "transactions": []}}`+"\n", text[:nameLetters], o.Zeros, text)
}

// File returns the text of the network's file, nil for the classic network.
func (i Invitation) File() []byte {
	if i.Own != nil {
		return i.Own.file()
	}
	return i.Network
}

// Rules returns the rules of the network.
func (i Invitation) Rules() (*consensus.Rules, error) {
	file := i.File()
	if file == nil {
		return consensus.Classic(), nil
	}
	return consensus.ReadRules(file)
}

// KeyFile returns the text of the swarm key's file, as Kubo has it; nil if the network has none.
func (i Invitation) KeyFile() []byte {
	key := i.SwarmKey
	if i.Own != nil {
		d := i.Own.digest("swarm key")
		key = d[:]
	}
	if key == nil {
		return nil
	}
	return fmt.Appendf(nil, "/key/swarm/psk/1.0.0/\n/base16/\n%x\n", key)
}

// Of returns an invitation to the network with these rules, whose swarm key has 32 bytes or is nil.
func Of(r *consensus.Rules, swarmKey []byte) (Invitation, error) {
	i := Invitation{SwarmKey: swarmKey}
	if r.Network() == consensus.Classic().Network() {
		return i, nil
	}
	i.Network = fileOf(r, false)
	back, err := consensus.ReadRules(i.Network)
	if err == nil && back.Network() != r.Network() {
		err = errors.New("its rules do not fit in a network file")
	}
	if err != nil {
		return Invitation{}, fmt.Errorf("no code for the network %s: %w", r.Name, err)
	}
	return i, nil
}

// knownFiles are the files of the secure networks that each program has. Codes hold their numbers: new ones go to the end.
var knownFiles = sync.OnceValue(func() (files []string) {
	for _, r := range []*consensus.Rules{consensus.Secure(), consensus.Dev()} {
		files = append(files, string(fileOf(r, false)))
	}
	return files
})

// NetworkFile writes a network file with all that it may hold.
func NetworkFile(r *consensus.Rules) []byte { return fileOf(r, true) }

// fileOf writes a network file with all that it may hold, or with what must be in it: what differs from the built-in network of the profile.
func fileOf(r *consensus.Rules, all bool) []byte {
	c := consensus.Classic()
	if r.IsSecure() {
		c = consensus.Secure()
	}
	var more, limits []string
	add := func(list *[]string, name string, value, usual any) {
		if all || value != usual {
			*list = append(*list, fmt.Sprintf(`"%s": %v`, name, value))
		}
	}
	add(&more, "profile", strconv.Quote(string(r.Profile)), strconv.Quote(string(consensus.ProfileClassic)))
	add(&more, "version", r.Version, c.Version)
	add(&more, "reward", r.Reward, c.Reward)
	add(&limits, "block_bytes", r.MaxBlockBytes, c.MaxBlockBytes)
	add(&limits, "block_transactions", r.MaxBlockTransactions, c.MaxBlockTransactions)
	add(&limits, "transaction_bytes", r.MaxTransactionBytes, c.MaxTransactionBytes)
	if r.IsSecure() {
		add(&more, "block_seconds", int64(r.BlockTime/time.Second), int64(c.BlockTime/time.Second))
		add(&more, "first_target", strconv.Quote(r.First.String()), strconv.Quote(c.First.String()))
	} else {
		add(&more, "zeros", r.Zeros, c.Zeros)
		add(&limits, "name_bytes", r.MaxNameBytes, c.MaxNameBytes)
		add(&limits, "ahead_seconds", int64(r.MaxAhead/time.Second), int64(c.MaxAhead/time.Second))
	}
	if len(limits) > 0 {
		more = append(more, `"limits": {`+strings.Join(limits, ", ")+"}")
	}
	more = append(more, `"genesis": `+string(r.Genesis.Canonical()))
	return []byte(`{"name": ` + string(canonical.AppendString(nil, r.Name)) + ", " + strings.Join(more, ", ") + "}\n")
}
