package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/rpc"
	"kuai/rpc/api"
)

// States of a finding.
const (
	fine    = "ok"
	note    = "note" // worth knowing; nothing has to be done
	problem = "FAIL"
)

// finding is one line of 'kuai doctor'.
type finding struct {
	Check  string `json:"check"`
	State  string `json:"state"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"` // the way out
}

func (f finding) line(l language) string {
	text := fmt.Sprintf("%-4s  %-9s  %s", f.State, f.Check, l.text(f.Text))
	if f.Remedy != "" {
		text += l.format(": %s", l.text(f.Remedy))
	}
	return text
}

// diagnosis is what 'kuai doctor' prints.
type diagnosis struct {
	OK       bool      `json:"ok"`
	Findings []finding `json:"findings"`
}

// doctorFlags are the daemon's flags that the checks are about.
var doctorFlags = []string{"port", "http-host", "p2p-port", "listen", "mdns", "network", "data-dir", "config"}

func newDoctor() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what keeps a node from running or from meeting others, and say the way out",
		Long: "Look for what keeps 'kuai daemon' with the same flags from running, and a running node from meeting others: ports that are taken\n" +
			"and by whom, AirPlay, the data directory, the disk, multicast, another network, peers that cannot be reached and why, clocks that\n" +
			"differ. One line each, with the way out. Exit code 1: there is a problem.",
		Example: "  kuai doctor\n  kuai doctor -p 5001 --json",
		Args:    arguments(0, 0),
	}
	read := configured(c)
	c.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = !slices.Contains(doctorFlags, f.Name) })
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, r, err := read()
		if err != nil {
			return err
		}
		d := &doctor{cfg: cfg, rules: r, given: c.Flags().Changed}
		d.examine(c.Context())
		return d.report(c.OutOrStdout(), languageFor(c), asJSON)
	}
	return c
}

// doctor makes the checks.
type doctor struct {
	cfg   Config
	rules *consensus.Rules
	given func(flag string) bool

	client  *rpc.Client
	api     string // the node's URL
	node    *api.Node
	refused error // why a node that runs does not answer this user
	found   []finding
}

func (d *doctor) say(check, state, text, remedy string) {
	d.found = append(d.found, finding{check, state, text, remedy})
}

// examine makes the checks in the order in which a start would fail.
func (d *doctor) examine(ctx context.Context) {
	d.look(ctx)
	d.port(ctx)
	d.network()
	d.data()
	d.disk()
	d.multicast()
	if d.node != nil {
		d.ready(ctx)
		d.outside()
		d.peers(ctx)
	}
}

func (d *doctor) report(w io.Writer, l language, asJSON bool) error {
	problems := 0
	for _, f := range d.found {
		if f.State == problem {
			problems++
		}
	}
	if asJSON {
		if err := printJSON(w, diagnosis{problems == 0, d.found}); err != nil {
			return err
		}
	} else {
		for _, f := range d.found {
			if _, err := fmt.Fprintln(w, f.line(l)); err != nil {
				return err
			}
		}
	}
	if problems > 0 {
		return fmt.Errorf("%s found", count(problems, "problem"))
	}
	return nil
}

// doctorTime is how long each request to a node may take.
const doctorTime = 5 * time.Second

// look asks the node that the flags mean, if it runs, and finds its data directory.
func (d *doctor) look(ctx context.Context) {
	asked := asking{port: d.cfg.Port, tokenFile: d.cfg.APITokenFile}
	if !slices.Contains(d.cfg.Derived, "data-dir") {
		asked.dataDir = d.cfg.DataDir
	}
	url, err := asked.local(ctx, d.given("port"))
	if err != nil {
		d.say("node", note, err.Error(), "")
		return
	}
	asked.api, d.api = url, url
	client, err := asked.clientOf(url)
	if err != nil {
		d.say("node", problem, err.Error(), "")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	n, err := client.Node(ctx)
	if refused := (*rpc.StatusError)(nil); errors.As(err, &refused) && refused.Title != "" {
		d.refused = asked.explain(err)
	}
	if err != nil || n.PeerID == "" {
		return // the port's check says the rest
	}
	d.client, d.node = client, &n
	for _, file := range append(asked.nodeFiles("*"), filepath.Join(d.cfg.DataDir, nodeFileName)) {
		if known, err := readNodeFile(file); err == nil && known.PeerID == n.PeerID {
			d.cfg.DataDir = filepath.Dir(file)
			return
		}
	}
	d.cfg.Ephemeral = true // or in a directory that nobody has named
}

// port looks at the HTTP port, and at that for peers if no node runs.
func (d *doctor) port(ctx context.Context) {
	if d.node != nil {
		d.say("node", fine, fmt.Sprintf("%s runs at %s, at block %d", d.node.Agent, d.api, d.node.Height), "")
		return
	}
	if d.refused != nil {
		text, remedy, _ := strings.Cut(d.refused.Error(), ": ")
		d.say("node", problem, fmt.Sprintf("a node runs at %s, and cannot be looked at: %s", d.api, text), remedy)
		return
	}
	lns, err := listenHTTP(ctx, d.cfg.HTTPHost, d.cfg.Port)
	closeAll(lns)
	switch {
	case err == nil:
		d.say("port", fine, fmt.Sprintf("%d is free; no node runs", d.cfg.Port), "")
	case isInUse(err):
		d.taken(ctx, "port", d.cfg.Port, "-p")
	default:
		d.say("port", problem, err.Error(), "choose another --http-host or -p")
	}
	if err := probe(ctx, d.cfg); err != nil {
		if used := (*inUseError)(nil); errors.As(err, &used) && slices.Contains(d.cfg.Derived, "listen") {
			d.taken(ctx, "p2p-port", d.cfg.P2PPort, "--p2p-port")
		} else {
			d.say("p2p-port", problem, err.Error(), "")
		}
	}
}

// taken says who has a port.
func (d *doctor) taken(ctx context.Context, check string, port int, flag string) {
	if isAirPlay(ctx, port) {
		d.say(check, problem, fmt.Sprintf("AirPlay Receiver has port %d", port),
			"turn it off in System Settings, General, AirDrop & Handoff, or start with "+flag+" "+strconv.Itoa(port+1))
		return
	}
	who := portHolder(port)
	if who == "" {
		who = "another program"
	}
	d.say(check, problem, fmt.Sprintf("%s has port %d", who, port), "stop it, or start with "+flag+" "+strconv.Itoa(port+1))
}

// isAirPlay reports whether macOS's AirPlay Receiver answers on a port: it calls itself AirTunes.
func isAirPlay(ctx context.Context, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, localDial)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/", port), nil)
	if err != nil {
		return false
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return strings.HasPrefix(res.Header.Get("Server"), "AirTunes")
}

// network compares the node's network with the one that was asked for.
func (d *doctor) network() {
	switch {
	case d.node == nil:
		d.say("network", fine, fmt.Sprintf("%s (%s)", d.rules.Name, d.rules.Network()), "")
	case d.node.Network == d.rules.Network():
		d.say("network", fine, fmt.Sprintf("%s (%s)", d.rules.Name, d.node.Network), "")
	case d.given("network"):
		d.say("network", problem, fmt.Sprintf("the node is of network %s, and --network names %s", d.node.Network, d.rules.Network()),
			"start it with that --network: nodes of different networks never meet")
	default:
		d.say("network", fine, fmt.Sprintf("%s, not the classic one", d.node.Network), "")
	}
}

// data looks at the data directory: who uses it, and whether it can be opened.
func (d *doctor) data() {
	dir := d.cfg.DataDir
	switch _, err := os.Stat(dir); {
	case d.cfg.Ephemeral, err != nil && d.node != nil:
		d.say("data", fine, "not on disk, or in a directory that is not known here", "")
		return
	case d.node != nil || d.refused != nil:
		d.say("data", fine, fmt.Sprintf("%s, in use by the node", dir), "")
		return
	case errors.Is(err, fs.ErrNotExist):
		d.say("data", fine, fmt.Sprintf("%s does not exist yet", dir), "")
		return
	}
	err := withChain(d.cfg, d.rules, slog.New(slog.DiscardHandler), func(*chain.Chain) error { return nil })
	if err == nil && exists(filepath.Join(dir, "identity.key")) {
		_, err = identity(d.cfg)
	}
	var locked *lockedError
	switch {
	case err == nil:
		d.say("data", fine, fmt.Sprintf("%s can be opened; 'kuai verify' checks every block", dir), "")
	case errors.As(err, &locked) && locked.by.PID != 0:
		d.say("data", problem, fmt.Sprintf("%s is in use by process %d, which does not answer at %s", dir, locked.by.PID, d.api),
			"it may be starting, or another verb: try again soon, name its port by -p, or choose another --data-dir")
	default:
		text, remedy, _ := strings.Cut(err.Error(), "\n")
		d.say("data", problem, text, strings.ReplaceAll(remedy, "\n", " "))
	}
}

// lowDisk is what a disk must have free: the store's engine needs room to rewrite its tables.
const lowDisk = 1 << 30

// disk looks how much room there is for the data directory.
func (d *doctor) disk() {
	if d.cfg.Ephemeral {
		return
	}
	dir := d.cfg.DataDir
	for !exists(dir) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	free, err := freeBytes(dir)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		d.say("disk", note, fmt.Sprintf("the room in %s is not known: %v", dir, err), "")
	case free < lowDisk:
		d.say("disk", problem, fmt.Sprintf("%d MiB are free in %s", free>>20, dir), "make room, or choose another --data-dir: a node stops accepting blocks when the disk is full")
	default:
		d.say("disk", fine, fmt.Sprintf("%.1f GiB are free in %s", float64(free)/(1<<30), dir), "")
	}
}

// multicast looks for an interface by which nodes on other machines are found.
func (d *doctor) multicast() {
	if !d.cfg.MDNS {
		return
	}
	all, err := net.Interfaces()
	if err != nil {
		d.say("multicast", note, "the network interfaces are not known: "+err.Error(), "")
		return
	}
	var able []string
	for _, i := range all {
		const want = net.FlagUp | net.FlagMulticast
		if i.Flags&(want|net.FlagLoopback) == want {
			able = append(able, i.Name)
		}
	}
	if len(able) == 0 {
		d.say("multicast", note, "no network interface has multicast, so nodes on other machines are not found by themselves (those of this user on this machine are)",
			"name one by --peer or 'kuai connect'")
		return
	}
	d.say("multicast", fine, fmt.Sprintf("on %s; a network or firewall may still not let it pass", strings.Join(able, ", ")), "")
}

// ready looks at the node's disk and sync.
func (d *doctor) ready(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	r, err := d.client.Ready(ctx)
	switch {
	case err != nil:
		d.say("ready", problem, err.Error(), "")
	case r.Error != "":
		d.say("ready", problem, "the node's disk failed: "+r.Error, "make room or mend the disk, then restart the node")
	case !r.Ready && r.Target > r.Height:
		d.say("ready", note, fmt.Sprintf("it syncs: at block %d of %d", r.Height, r.Target), "")
	case !r.Ready:
		d.say("ready", note, "no peer has told its height yet", "")
	default:
		d.say("ready", fine, fmt.Sprintf("level with its peers, %d connected", r.Peers), "")
	}
}

// outside reports whether others can dial the node, if it finds out.
func (d *doctor) outside() {
	switch said := d.node.Dialable; {
	case said == nil:
	case said.State == "yes":
		d.say("outside", fine, dialableText(said), "")
	case said.State == "no":
		d.say("outside", note, dialableText(said), "open the port at the router or firewall; a node that only dials out takes part all the same")
	default:
		d.say("outside", note, dialableText(said), "")
	}
}

// peers says who cannot be reached, and why.
func (d *doctor) peers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	p, err := d.client.Peers(ctx)
	if err != nil {
		d.say("peers", problem, err.Error(), "")
		return
	}
	for _, peer := range p.Peers {
		switch {
		case isCopy(peer.State):
			d.say("identity", problem, fmt.Sprintf("another node, at %s, has the same identity as this one: one data directory is a copy of the other", peer.Address), copyRemedy)
		case isForeign(peer):
			d.foreign(peer.Address, foreignText(peer))
		case peer.Connected, peer.LastError == "", strings.HasPrefix(peer.State, "Flask node"):
		case peer.Static:
			d.say("peer", problem, fmt.Sprintf("%s cannot be reached: %s%s", peer.Address, whyAway(peer), nextTry(peer.NextDial)), remedyFor(whyAway(peer)))
		default:
			d.say("peer", note, fmt.Sprintf("%s, met before, is away: %s", peer.Address, whyAway(peer)), "")
		}
	}
	d.clocks(ctx, p)
	if len(p.Peers) == 0 {
		d.say("peers", note, "the node knows nobody", "'kuai connect ADDRESS' introduces it to one")
	}
}

// remedyFor says what to do about a peer that this node was told to connect to, by why it is away.
func remedyFor(why string) string {
	switch why {
	case "it refuses this node for a while", "it has as many connections as it may":
		return "wait, or ask its operator to let this node in: there, 'kuai connect' with the address of this node"
	}
	return "see that it runs, its port is open and the address is right; 'kuai disconnect' forgets it"
}

// foreign says that a peer is of another network.
func (d *doctor) foreign(address, text string) {
	d.say("network", problem, fmt.Sprintf("other network at %s: %s; this node is of %s", address, text, d.node.Network), joinTheirs)
}
