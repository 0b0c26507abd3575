package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/adrg/xdg"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/spf13/pflag"

	"kuai/chain/consensus"
	"kuai/cmd/kuai/invite"
	"kuai/miner"
	"kuai/p2p"
	"kuai/rpc"
	"kuai/rpc/api"
)

const (
	defaultPort = 5000   // the tutorial's
	p2pOffset   = 10_000 // from the HTTP port to the one that peers connect to
	maxPort     = 65_535
	maxCores    = 1024 // as in POST /mining: more than any machine has, and a search takes a goroutine for each
	classic     = "classic"
)

// Config is what the daemon is told. The JSON names are the flags'.
type Config struct {
	Port              int      `json:"port"`
	HTTPHost          string   `json:"http-host"`
	AllowHosts        []string `json:"allow-host"`
	PublicURL         string   `json:"public-url"` // "": not known
	InsecureAPI       bool     `json:"insecure-api"`
	APITokenFile      string   `json:"api-token-file"`
	APIAuth           string   `json:"api-auth"` // "" or authLocal
	CORSOrigins       []string `json:"cors-origin"`
	Name              string   `json:"name"`
	P2PPort           int      `json:"p2p-port"` // fromPort until resolved
	Listen            []string `json:"listen"`
	Announce          []string `json:"announce"`
	Peers             []string `json:"peer"`
	MDNS              bool     `json:"mdns"`
	DHT               bool     `json:"dht"`
	NAT               bool     `json:"nat"`
	QUIC              bool     `json:"quic"`
	SwarmKeyFile      string   `json:"swarm-key"`
	Network           string   `json:"network"` // "classic", "secure", "dev" or a file
	DataDir           string   `json:"data-dir"`
	Ephemeral         bool     `json:"ephemeral"`
	Mine              string   `json:"mine"`
	MineCores         int      `json:"mine-cores"` // 0: all
	MineShare         int      `json:"mine-share"` // percent
	Reward            string   `json:"reward"`     // "": see rewardAddress
	Lab               bool     `json:"lab"`
	LogLevel          string   `json:"log-level"`
	LogFormat         string   `json:"log-format"`
	LogRequests       bool     `json:"log-requests"`
	Pprof             string   `json:"pprof"` // "": none
	BlockNotify       string   `json:"block-notify"`
	Webhooks          []string `json:"webhook"`
	WebhookSecretFile string   `json:"webhook-secret"`

	Derived []string `json:"derived"` // settings that resolve has filled in

	rewards string             // who gets the rewards of mined blocks, once it is known
	clock   *skewedClock       // of the chain; nil: the machine's
	lang    language           // of the banner
	json    bool               // the banner is a line of JSON
	joined  *invite.Invitation // by which the network was joined; nil: by the settings above
}

// fromPort stands for "not said": the HTTP port + p2pOffset.
const fromPort = -1

// bind makes fs write into c, whose fields become the defaults.
func (c *Config) bind(fs *pflag.FlagSet) {
	fs.SortFlags = false
	fs.IntVarP(&c.Port, "port", "p", defaultPort, "HTTP port; 0: any")
	fs.StringVar(&c.HTTPHost, "http-host", "127.0.0.1", "address that HTTP is served on; the default takes ::1, too")
	fs.StringSliceVar(&c.AllowHosts, "allow-host", nil, "`name` that HTTP requests may call this node by (repeatable)")
	fs.StringVar(&c.PublicURL, "public-url", "", "`URL` that people reach the page and the API at, if a container or a proxy hides it")
	fs.BoolVar(&c.InsecureAPI, "insecure-api", false, "let anyone who reaches a non-loopback --http-host change state")
	pathVar(fs, &c.APITokenFile, "api-token-file", "", "`file` with the token that state-changing requests must carry")
	fs.StringVar(&c.APIAuth, "api-auth", "", "local: ask everybody for the token in the data directory's "+cookieName+", which verbs read by themselves")
	fs.StringSliceVar(&c.CORSOrigins, "cors-origin", nil, "`origin` of pages elsewhere that may use the API, as http://localhost:3000 (repeatable)")
	fs.StringVar(&c.Name, "name", "", "what to call this node, as lab-pc-7; others see it beside the peer id, and cannot tell whether it is true")
	fs.IntVar(&c.P2PPort, "p2p-port", fromPort, "port for peers; 0: any (default HTTP port + 10000)")
	fs.Lookup("p2p-port").DefValue = "0" // help says in words what is taken where nothing is said
	fs.StringSliceVar(&c.Listen, "listen", nil, "`multiaddr` to listen on for peers, in place of --p2p-port on all interfaces (repeatable)")
	fs.StringSliceVar(&c.Announce, "announce", nil, "`multiaddr` to tell peers in place of the ones listened on: behind NAT (repeatable)")
	fs.StringSliceVar(&c.Peers, "peer", nil, "`peer` to stay connected to: host:port or URL of a kuai node, or a multiaddr (repeatable)")
	fs.BoolVar(&c.MDNS, "mdns", true, "find neighbours: in the local network, and this user's other nodes on this machine")
	fs.BoolVar(&c.DHT, "dht", false, "find peers by a distributed hash table")
	fs.BoolVar(&c.NAT, "nat", false, "open a port at the router (UPnP, NAT-PMP), and have peers try whether this node can be dialled")
	fs.BoolVar(&c.QUIC, "quic", false, "speak QUIC beside TCP")
	pathVar(fs, &c.SwarmKeyFile, "swarm-key", "", "`file` with the key of a private network, as Kubo's")
	pathVar(fs, &c.Network, "network", classic, "classic, secure, dev, or a `file` with another network's rules")
	pathVar(fs, &c.DataDir, "data-dir", "", "`directory` of chain and identity (default $XDG_DATA_HOME/kuai/<network>/<port>)")
	fs.BoolVar(&c.Ephemeral, "ephemeral", false, "keep nothing on disk, whatever --data-dir says")
	fs.StringVar(&c.Mine, "mine", "manual", "when to mine: manual, instant, interval=5s, continuous")
	fs.IntVar(&c.MineCores, "mine-cores", 0, "how many cores a proof search uses; 0: all")
	fs.IntVar(&c.MineShare, "mine-share", 100, "how much of those cores' time it uses, in `percent`")
	fs.StringVar(&c.Reward, "reward", "", "`address` that gets the rewards of mined blocks, or on a secure network the name of a wallet (default: the node's own; on a secure network that of a wallet made at the first start)")
	fs.BoolVar(&c.Lab, "lab", false, "offer the lab: this node can be cut off, delayed and misled on purpose, for lessons")
	fs.StringVar(&c.LogLevel, "log-level", "info", "debug, info, warn or error")
	fs.StringVar(&c.LogFormat, "log-format", "text", "text or json")
	fs.BoolVar(&c.LogRequests, "log-requests", true, "log a line for each HTTP request; those for health, metrics and the page at debug")
	fs.StringVar(&c.Pprof, "pprof", "", "serve profiles of this process on a loopback `address`, as 127.0.0.1:6060")
	fs.StringVar(&c.BlockNotify, "block-notify", "", "`command` to run for a new tip, without a shell; %s in it is the block's hash")
	fs.StringSliceVar(&c.Webhooks, "webhook", nil, "`URL` to send blocks, reorgs and payments to, as they come (repeatable)")
	pathVar(fs, &c.WebhookSecretFile, "webhook-secret", "", "`file` with the secret that signs what is sent to --webhook")
}

// Validate says everything that is wrong with c. It changes nothing.
func (c *Config) Validate() error {
	return errors.Join(c.checkPorts(), c.checkHost(), c.checkAuth(), c.checkNames(), c.checkMining(), c.checkPeers(), c.checkTransports(), c.checkAddresses(), c.checkLog(), c.checkPprof(), c.checkNotify())
}

func (c *Config) checkPorts() error {
	switch {
	case c.Port < 0 || c.Port > maxPort:
		return fmt.Errorf("--port %d: want 0..%d", c.Port, maxPort)
	case c.P2PPort < fromPort || c.P2PPort > maxPort:
		return fmt.Errorf("--p2p-port %d: want 0..%d", c.P2PPort, maxPort)
	case c.P2PPort == fromPort && c.Port+p2pOffset > maxPort:
		return fmt.Errorf("--port %d leaves no room for the peers' port at +%d: set --p2p-port", c.Port, p2pOffset)
	case c.P2PPort == c.Port && c.Port != 0:
		return fmt.Errorf("--port and --p2p-port are both %d: set another --p2p-port", c.Port)
	}
	return nil
}

func (c *Config) checkHost() error {
	if !loopback(c.HTTPHost) && !c.InsecureAPI && c.APITokenFile == "" && c.APIAuth == "" {
		return fmt.Errorf("--http-host %s can be reached by others, who could mine and pay on this node: add --api-token-file FILE, or --insecure-api where the network keeps them out", c.HTTPHost)
	}
	return nil
}

// checkNames checks how others may call this node.
func (c *Config) checkNames() error {
	for _, h := range c.AllowHosts {
		if _, err := rpc.ParseAllowHost(h); err != nil {
			return fmt.Errorf("--allow-host: %w", err)
		}
	}
	for _, o := range c.CORSOrigins {
		if _, err := rpc.ParseOrigin(o); err != nil {
			return fmt.Errorf("--cors-origin: %w", err)
		}
	}
	if err := checkNodeName(c.Name); err != nil {
		return fmt.Errorf("--name %q: %w", c.Name, err)
	}
	if c.PublicURL == "" {
		return nil
	}
	if !strings.HasPrefix(c.PublicURL, "http://") && !strings.HasPrefix(c.PublicURL, "https://") {
		return fmt.Errorf("--public-url %s: want a URL, as http://localhost:5000", c.PublicURL)
	}
	if _, err := publicHost(c.PublicURL); err != nil {
		return fmt.Errorf("--public-url %s: %w", c.PublicURL, err)
	}
	return nil
}

// checkNodeName checks what the node is called. Peers leave out what they cannot show.
func checkNodeName(name string) error {
	if strings.TrimSpace(name) != name {
		return errors.New("want a name without spaces around it")
	}
	return p2p.CheckName(name)
}

// publicHost returns the host of a URL, which may have a path.
func publicHost(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", err
	}
	return rpc.ParseAllowHost(u.Host)
}

// hosts are the names that HTTP requests may call this node by.
func (c *Config) hosts() []string {
	if host, err := publicHost(c.PublicURL); err == nil {
		return append([]string{host}, c.AllowHosts...)
	}
	return c.AllowHosts
}

func (c *Config) checkMining() error {
	if c.MineCores < 0 || c.MineCores > maxCores {
		return fmt.Errorf("--mine-cores %d: want 0..%d, 0 for all", c.MineCores, maxCores)
	}
	if c.MineShare < 1 || c.MineShare > 100 {
		return fmt.Errorf("--mine-share %d: want 1..100, a percentage", c.MineShare)
	}
	_, err := miner.ParseMode(c.Mine)
	return err
}

func (c *Config) checkPeers() error {
	for _, p := range c.Peers {
		if err := p2p.CheckPeer(p); err != nil {
			return fmt.Errorf("--peer %q: %w", p, err)
		}
	}
	return nil
}

func (c *Config) checkTransports() error {
	if c.QUIC && c.SwarmKeyFile != "" {
		return errors.New("--quic and --swarm-key exclude each other: QUIC knows no swarm key")
	}
	for _, ws := range c.Listen {
		if plain, ok := strings.CutSuffix(ws, "/ws"); ok && c.SwarmKeyFile != "" && slices.Contains(c.Listen, plain) {
			return fmt.Errorf("--listen %s and %s share a port, which is not possible with --swarm-key: give the /ws address another port", plain, ws)
		}
	}
	return nil
}

func (c *Config) checkAddresses() error {
	for _, a := range c.Listen {
		if err := checkListen(a, c.QUIC); err != nil {
			return fmt.Errorf("--listen %s: %w", a, err)
		}
	}
	for _, a := range c.Announce {
		if _, err := ma.NewMultiaddr(a); err != nil {
			return fmt.Errorf("--announce %q: want a multiaddr, as /ip4/203.0.113.7/tcp/15000: %w", a, err)
		}
	}
	return nil
}

func (c *Config) checkLog() error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return fmt.Errorf("--log-level %s: want debug, info, warn or error", c.LogLevel)
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		return fmt.Errorf("--log-format %s: want text or json", c.LogFormat)
	}
	return nil
}

// loopback reports whether only this machine reaches host.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// resolve fills in what follows from other settings.
func (c *Config) resolve(r *consensus.Rules) error {
	c.Derived = nil
	if c.P2PPort == fromPort {
		c.Derived = append(c.Derived, "p2p-port")
		c.P2PPort = c.Port + p2pOffset
		if c.Port == 0 {
			c.P2PPort = 0
		}
	}
	if len(c.Listen) == 0 {
		c.Derived = append(c.Derived, "listen")
		c.Listen = listenAll(c.P2PPort, c.QUIC)
	}
	switch {
	case c.Ephemeral:
		c.DataDir = ""
	case c.DataDir == "":
		base, err := dataHome()
		if err != nil {
			return err
		}
		c.Derived = append(c.Derived, "data-dir")
		c.DataDir = usualDir(filepath.Join(base, "kuai"), c, r)
	}
	return nil
}

// listenAll gives the multiaddrs for port on all interfaces.
func listenAll(port int, quic bool) []string {
	var all []string
	for _, ip := range []string{"/ip4/0.0.0.0", "/ip6/::"} {
		all = append(all, fmt.Sprintf("%s/tcp/%d", ip, port))
		if quic {
			all = append(all, fmt.Sprintf("%s/udp/%d/quic-v1", ip, port))
		}
	}
	return all
}

// dataHome is where this system keeps the data of programs: $XDG_DATA_HOME, else ~/.local/share, ~/Library/Application Support on macOS and
// %LOCALAPPDATA% on Windows. On these two, what an earlier kuai keeps in ~/.local/share stays in use.
func dataHome() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil && !filepath.IsAbs(os.Getenv("XDG_DATA_HOME")) {
		return "", fmt.Errorf("no home directory to keep data in, set --data-dir: %w", err)
	}
	xdg.Reload() // it read the environment before main
	former := filepath.Join(home, ".local", "share")
	if !exists(filepath.Join(xdg.DataHome, "kuai")) && err == nil && exists(filepath.Join(former, "kuai")) && os.Getenv("XDG_DATA_HOME") == "" {
		return former, nil
	}
	return xdg.DataHome, nil
}

// rules reads the network's rules.
func (c *Config) rules() (*consensus.Rules, error) {
	r, err := networkRules(c.Network)
	if err != nil {
		return nil, fmt.Errorf("--network: %w", err)
	}
	if c.Reward != "" {
		if c.Reward, err = rewardNamed(r, c.Reward); err != nil {
			return nil, fmt.Errorf("--reward: %w", err)
		}
	}
	return r, nil
}

// rewardNamed returns the address that --reward means: on a secure network also by the name of a wallet or of a development account.
func rewardNamed(r *consensus.Rules, word string) (address string, err error) {
	invalid := r.CheckAddress(word)
	if invalid == nil || !r.IsSecure() {
		return word, invalid
	}
	e, known, damaged := new(walletFlags).lookUp(word)
	if err := cmp.Or(damaged, ambiguous(api.Node{Network: r.Network()}, word, e)); err != nil {
		return word, err
	}
	if known {
		return e.Address.String(), nil
	}
	if address, ok := newKeyring(r).Named(word); ok {
		return address, nil
	}
	return word, fmt.Errorf("%w, and no wallet of this machine has that name: 'kuai wallet list' shows the names", invalid)
}

// effective is c with lists where JSON would have null: what 'kuai config' prints and --config reads.
func (c Config) effective() Config {
	for _, list := range []*[]string{&c.AllowHosts, &c.CORSOrigins, &c.Listen, &c.Announce, &c.Peers, &c.Webhooks, &c.Derived} {
		*list = append([]string{}, *list...)
	}
	return c
}
