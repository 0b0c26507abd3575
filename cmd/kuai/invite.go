package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kuai/chain/consensus"
	"kuai/cmd/kuai/invite"
	"kuai/rpc/api"
)

// mostZeros is the hardest network that can be made: a block takes 16^8 tries, some minutes of a whole computer.
const mostZeros = 8

// inviting are the flags of 'kuai invite'.
type inviting struct {
	asking
	fresh     bool
	zeros     int
	addresses []string
	qr        bool
}

// inviteInfo is what 'kuai invite' prints.
type inviteInfo struct {
	api.Invite
	Made    bool   `json:"made"`    // the network was made just now
	Running bool   `json:"running"` // a node of it runs on this machine
	Start   string `json:"start"`   // the command that starts a node of it on this machine; "" if one runs

	qr      string // for a terminal
	classic string // the URL of a node of the classic network that runs, which this is not
}

func newInvite() *cobra.Command {
	var f inviting
	c := &cobra.Command{
		Use:   "invite",
		Short: "Show the code by which others join the network of this node, or make a network for a class",
		Long: "Show the code by which others join: 'kuai join CODE' starts a node in the network. It is the network of the node that runs here. If\n" +
			"none runs, or only one of the tutorial's network, it is the network that was made or joined last; if there is none, a new one is\n" +
			"made, whose first block nobody else has and which only those with the code can enter. In the tutorial's network, a longer chain\n" +
			"brought from home replaces the class's, and two classes in one building become one. With -p, --data-dir or --api, it is the\n" +
			"network of that node, whatever it is.",
		Example: "  kuai invite                       # then 'kuai join CODE', here and on the other machines\n  kuai invite --new --zeros 3       # another network, with quick proofs\n" +
			"  kuai invite -p 5000               # the network of that node",
		Args: arguments(0, 0),
	}
	f.bind(c)
	c.Flags().BoolVar(&f.fresh, "new", false, "make a new network, whatever there is already")
	c.Flags().IntVar(&f.zeros, "zeros", consensus.Classic().Zeros, "how many hex zeros the proofs of a new network start with")
	c.Flags().StringSliceVar(&f.addresses, "address", nil, "`host:port` for peers that the code names, in place of this machine's own address (repeatable)")
	c.Flags().BoolVar(&f.qr, "qr", false, "show the QR code even if the output is not a terminal")
	c.RunE = func(c *cobra.Command, _ []string) error { return f.run(c) }
	return c
}

func (f *inviting) run(c *cobra.Command) error {
	if f.zeros < 1 || f.zeros > mostZeros {
		return usageError{fmt.Errorf("--zeros %d: want 1..%d; each zero more makes a block 16 times the work, and %d would take a computer about an hour",
			f.zeros, mostZeros, mostZeros+1)}
	}
	v, err := f.find(c)
	switch {
	case err != nil:
		return err
	case c.Flags().Changed("zeros") && !v.Made:
		return usageError{errors.New("--zeros is for a new network, and there is one already: add --new")}
	}
	if f.json {
		return printJSON(c.OutOrStdout(), v)
	}
	if f.qr || isTerminal(c.OutOrStdout()) {
		if q, err := invite.NewQR(v.Command); err == nil { // or the code is too long for one
			v.qr = q.Terminal()
		}
	}
	return printInvite(c.OutOrStdout(), languageFor(c), v)
}

// find returns the invitation that is meant: of the node that runs, of the network that was used last, or of a new one.
func (f *inviting) find(c *cobra.Command) (inviteInfo, error) {
	if f.fresh {
		return f.make()
	}
	explicit := c.Flags().Changed("port") || f.api != "" || f.dataDir != ""
	if _, err := f.client(c); err != nil {
		return inviteInfo{}, err
	}
	if !explicit && !answers(c.Context(), f.api) {
		return f.kept()
	}
	v, err := f.ask(c.Context())
	switch {
	case err != nil:
		return v, f.explain(err)
	case !explicit && v.Network == consensus.Classic().Network():
		url := f.api
		v, err = f.kept()
		v.classic = url
		return v, err
	}
	return f.withAddresses(v)
}

// maxInviteAnswer is how many bytes of a node's answer are read: the QR code takes most of them.
const maxInviteAnswer = 1 << 20

// ask asks the node that runs.
func (f *inviting) ask(ctx context.Context) (v inviteInfo, err error) {
	ctx, cancel := context.WithTimeout(ctx, f.patience())
	defer cancel()
	body, err := f.open(ctx, api.Path("getInvite"), "")
	if err != nil {
		return v, err
	}
	defer body.Close()
	v.Running = true
	return v, json.NewDecoder(io.LimitReader(body, maxInviteAnswer)).Decode(&v.Invite)
}

// withAddresses puts the addresses of --address into a code that a node gave.
func (f *inviting) withAddresses(v inviteInfo) (inviteInfo, error) {
	if len(f.addresses) == 0 {
		return v, nil
	}
	i, err := invite.Parse(v.Code)
	if err != nil {
		return v, err
	}
	i.Addresses = f.addresses
	v.Invite, err = describeInvite(i)
	return v, usage(err)
}

// kept returns the invitation to the network that was used last, or makes one.
func (f *inviting) kept() (inviteInfo, error) {
	i, err := lastInvitation("")
	if isAbsent(err) {
		return f.make()
	}
	if err != nil {
		return inviteInfo{}, err
	}
	return f.here(i, false)
}

// make makes a network, and keeps its code.
func (f *inviting) make() (inviteInfo, error) {
	return f.here(invite.New(f.zeros), true)
}

// here is an invitation to a network of which a node is to be started on this machine.
func (f *inviting) here(i invite.Invitation, made bool) (inviteInfo, error) {
	port := f.port
	if !isFree(port) || !isFree(port+p2pOffset) {
		port = nextPort(Config{Port: port, P2PPort: port + p2pOffset}, isFree)
	}
	i.Addresses = f.addresses
	if ip := ownIP(); len(i.Addresses) == 0 && ip.IsValid() {
		i.Addresses = []string{net.JoinHostPort(ip.String(), strconv.Itoa(port+p2pOffset))}
	}
	v := inviteInfo{Made: made}
	var err error
	if v.Invite, err = describeInvite(i); err != nil {
		return v, usage(err)
	}
	dir, err := networkDir(v.Network)
	if err == nil {
		err = keepInvitation(dir, i)
	}
	words := []string{"join", v.Code}
	if port != defaultPort {
		words = append(words, "-p", strconv.Itoa(port))
	}
	v.Start = program(os.Executable()) + commandLine(words)
	return v, err
}

func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

func printInvite(w io.Writer, l language, v inviteInfo) error {
	var b strings.Builder
	say := func(form string, words ...any) { b.WriteString(l.text(fmt.Sprintf(form, words...)) + "\n\n") }
	switch {
	case v.Made && v.classic != "":
		say("The node at %s is in the tutorial's network, which everybody has. A new network was made for the class.", v.classic)
	case v.Made:
		say("A new network was made.")
	case v.classic != "":
		say("The node at %s is in the tutorial's network, which everybody has. This is the network that was used last.", v.classic)
	}
	t := newTable(&b)
	fmt.Fprintf(t, "%s\t%s (%s)\n%s\t%s\n", l.text("network"), v.Name, v.Network, l.text("code"), v.Code)
	for _, a := range v.Addresses {
		fmt.Fprintf(t, "%s\t%s\n", l.text("address"), a)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	b.WriteByte('\n')
	if v.qr != "" {
		b.WriteString(v.qr + "\n")
	}
	if v.Start != "" {
		say("Start this machine's node, and leave it running:")
		fmt.Fprintf(&b, "  %s\n\n", v.Start)
	}
	say("The others start theirs, each on a machine of their own:")
	fmt.Fprintf(&b, "  %s\n\n%s\n", v.Command, l.text(inviteNote(v)))
	if v.Lab {
		b.WriteString(l.text(labNote) + "\n")
	}
	if note := reachNote(v.Addresses); note != "" {
		b.WriteString(l.text(note) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// labNote says what a node that joins with the code of a lab agrees to.
const labNote = "This node has a lab. One that joins with --lab agrees that this node puts it on a side of the network for a while: 'kuai lab split'.\n" +
	"Leave --lab out to join without that."

// reachNote says that the addresses of a code lead nobody here, "" if they may.
func reachNote(addresses []string) string {
	switch {
	case len(addresses) == 0:
		return "The code names no address, as this machine is in no network: others find this node by multicast only. Connect it to the network and run\n" +
			"this again, or name its address by --address HOST:PORT."
	case !slices.ContainsFunc(addresses, func(a string) bool { at, err := netip.ParseAddrPort(a); return err != nil || !at.Addr().IsLoopback() }):
		return "The address in the code is one of this machine alone: others need --address HOST:PORT, or a node that listens on all interfaces."
	}
	return ""
}

// inviteNote says who can join.
func inviteNote(v inviteInfo) string {
	switch {
	case v.Network == consensus.Classic().Network() && !v.Private:
		return "Everybody can be in this network without the code, as it is the tutorial's: a longer chain from elsewhere replaces this one.\n" +
			"'kuai invite --new' makes a network of your own."
	case !v.Private:
		return "The network has no swarm key: who has its network file can join without the code."
	}
	return "Who has the code can join: show it to the class only."
}
