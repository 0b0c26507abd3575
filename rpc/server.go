package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

// Bounds of the server. Half-open and idle connections cost a goroutine each and are cut by time, or when their slots are wanted.
const (
	MaxConnections = 512      // open at once; the next one takes the slot of the one that has waited for its request longest
	MaxHeaderBytes = 32 << 10 // request line and header; browsers send the cookies of all ports of localhost
	MaxBodyBytes   = 64 << 10 // a request body, unless its row says otherwise; more is 413

	headerTimeout = 5 * time.Second  // until the header is read
	readTimeout   = 15 * time.Second // until the body is read
	writeTimeout  = 30 * time.Second // until an answer of known length is sent
	idleTimeout   = 60 * time.Second // between two requests
	stopTimeout   = 5 * time.Second  // for answers under way when the server stops

	headerSlop = 4 << 10 // net/http reads this much more than its limit
)

// Config is what a server is told once. The zero value serves.
type Config struct {
	Hosts       []string              // by which the node may be called, beside localhost and IP addresses; in the forms of ParseAllowHost
	Origins     []string              // of pages elsewhere that may use the API; in the forms of ParseOrigin
	Name        string                // what the operator calls this node, for GET /node; "" for no name
	Version     string                // of the program, for GET /node
	Agent       string                // for GET /node and outgoing requests
	Metrics     http.Handler          // GET /metrics; nil answers 404
	Token       string                // bearer token for what changes state; "" asks for none
	TokenFor    TokenScope            // what needs the token
	LogLevel    *slog.LevelVar        // GET and PUT /log/level; nil answers 404
	LogRequests bool                  // a line for each request
	Registerer  prometheus.Registerer // of metrics about requests; nil counts none
	Invite      Invitation            // GET /invite; nil answers 404
	Lab         Lab                   // the endpoints under /lab; nil answers 404
	Rewards     string                // the address that mined blocks pay, for GET /node; "" tells none
	Keys        Keys                  // that payments of a secure network are signed with; nil signs none
	Chinese     func(string) string   // says a refusal in Chinese, for clients that ask for it; nil says all in English

	Webhooks      []string // where events are sent, at most MaxWebhooks; each as CheckWebhook takes it
	WebhookSecret []byte   // signs them; from ParseWebhookSecret
}

// TokenScope names the requests that need the token.
type TokenScope uint8

// A token may also be needed for reading, on a machine that several people use. Browsers ask for it as a password then.
const (
	TokenForChanges TokenScope = iota
	TokenForAll
)

// Network is the peer-to-peer side of the node, as far as HTTP shows and moves it.
type Network interface {
	ID() string          // peer id: the node's address
	Addresses() []string // multiaddrs with /p2p/
	RefreshPeerLists()   // has connected peers asked for theirs, now and then
	Peers() []Peer       // connected, asked for, registered and remembered

	// Register asks the URLs among the addresses in list what they are, and keeps connections to all nodes; own addresses are left out. It
	// registers all or, with an error, nothing: a *RefusedNode, one that wraps ErrTooManyNodes, or the disk's.
	Register(ctx context.Context, list []string) error
	Registered() []Registered // sorted by address
	// AskRegistered asks all registered URLs now, all at once, and calls each, also at once, with what a node is as soon as it is known.
	AskRegistered(ctx context.Context, each func(Registered))
	// Disconnect forgets an address or a peer by its id, and disconnects peers that nothing else leads to. An error that wraps chain.ErrNotFound
	// says that there is none; after another one nothing has changed.
	Disconnect(name string) error

	SyncNow(ctx context.Context) error // from every connected peer
	SyncStatus() SyncStatus
	Reach() Reach
}

// Registered is a registered node as the network knows it.
type Registered struct {
	Address   string // host:port, or the multiaddr
	URL       string // scheme and host, "" for a multiaddr
	Kind      string // "kuai", "flask", "unknown": what it was when it answered last
	PeerID    string // "" if it is not known
	Connected bool
	Answered  bool      // the URL, when it was asked last
	State     string    // in words, as of a Peer
	Reason    string    // the part of State that says why it is not connected
	Status    int       // of the URL's last answer to GET /node, 0 if there was none
	Next      time.Time // when it is tried next; zero while it is connected
}

// Peer is another node as the network knows it.
type Peer struct {
	ID         string // "" for a URL that leads to no peer
	Name       string // what the peer calls itself, "" for no name: claimed, not proved
	Agent      string
	Address    string
	Direction  string // "inbound", "outbound", "" if not connected
	Connected  bool
	State      string // in words: "connected", or why not and when it is dialled next
	Reason     string // the part of State that says why it is not connected; "": it is, or was not dialled yet
	Static     bool   // connected by request, retried indefinitely
	Latency    time.Duration
	Height     int64
	Tip        consensus.Hash
	Score      float64
	Knows      []string      // ids of the peers that it says to be connected with
	ClockAhead time.Duration // of this node's clock, to the second; negative: behind, 0: or not known
	LastError  string        // of the last dial, "" while connected
	NextDial   time.Time     // zero while connected, and if no dial is due

	LeftHeight int64          // where the branch ended that it has left for ours last, 0: none since it connected
	LeftTip    consensus.Hash // its last block
	LeftFork   int64          // the last block of it that is on our chain, too, 0: not known
	LeftAt     time.Time
}

// Reach is what is known of whether the node can be dialled from outside its local network.
type Reach struct {
	Asked   bool      // if not, nothing else is known
	Public  bool      // the node has a public address: of its own, announced, or got from its router
	Known   bool      // a peer has tried; the rest is what it found
	Reached bool      // at Address
	Address string    // a multiaddr with /p2p/
	Witness string    // the peer that tried
	Name    string    // what that one calls itself, "" for no name: claimed, not proved
	At      time.Time // when it tried
}

// SyncStatus is what the sync is at. Height is that of this node, Target that of the peer, Rate in blocks per second or 0 if not known.
type SyncStatus struct {
	Active bool
	Peer   string
	Height int64
	Target int64
	Rate   float64
}

// Miner searches proofs.
type Miner interface {
	// Mine forges one block on the tip; it is on disk when Mine returns. An error wrapping ErrBusy says that too many wait already.
	Mine(ctx context.Context) (*consensus.Block, error)
	Work() consensus.Draft // for miners elsewhere

	// Submit makes a block of a proof that was found elsewhere; root is zero on a classic network. It is on disk when Submit returns. An error
	// wraps chain.ErrStale if parent is no longer the tip or, on a secure network, the node does not remember the work.
	Submit(parent, root consensus.Hash, proof int64) (*consensus.Block, error)
	SetMode(mode string) error // an error says which modes there are
	SetCores(n int)            // from the next search on; 0 for all
	SetShare(percent int)      // of the cores' time, from the next search on
	Status() MinerStatus
}

// MinerStatus is what the miner is at.
type MinerStatus struct {
	Mode      string
	Cores     int    // that a search uses
	Share     int    // of their time, in percent
	Kernel    string // the inner loop that it uses on this processor
	Searching bool
	Callers   int           // of Mine: one has the turn, the others wait
	Tries     uint64        // of the running search, or of the last one
	Total     uint64        // tries since the start
	Blocks    uint64        // since the start
	Stale     uint64        // searches and blocks given up because another block came first
	Rate      float64       // tries per second; 0 before the first search
	Expected  time.Duration // mean time to a block at this rate; 0 while the rate is unknown
}

// ErrBusy is wrapped by Miner.Mine if too many callers wait already. The daemon's adapter translates it.
var ErrBusy = errors.New("the miner is busy")

// Server answers HTTP.
type Server struct {
	cfg         Config
	chain       *chain.Chain
	network     Network
	miner       Miner
	log         *slog.Logger
	out         *outbound
	unread      unread
	resolves    singleflight.Group
	networkID   string // of the chain's rules, which take 4 µs to name it
	genesis     string // its hash
	latest      atomic.Pointer[latestBlock]
	lastPace    atomic.Pointer[recentPace]
	hosts       map[string]bool // of Config.Hosts
	crossOrigin http.CrossOriginProtection
	exposed     atomic.Bool   // others than this machine can connect
	boot        string        // names this process in event ids
	long        chan struct{} // one slot per long answer
	adding      chan struct{} // one slot for blocks that are sent
	lessons     chan struct{} // one slot per lesson that is played
	streams     chan struct{} // one slot per event stream
	handler     http.Handler
}

// New makes a server that does nothing yet.
func New(cfg Config, c *chain.Chain, n Network, m Miner, log *slog.Logger) *Server {
	s := &Server{
		cfg: cfg, chain: c, network: n, miner: m, log: log,
		networkID: c.Rules().Network(), genesis: c.Rules().Genesis.Hash().String(),
		out:     newOutbound(cfg.Agent),
		hosts:   parseHosts(cfg.Hosts),
		boot:    bootID(),
		long:    make(chan struct{}, maxLong),
		adding:  make(chan struct{}, 1),
		lessons: make(chan struct{}, maxLessons),
		streams: make(chan struct{}, maxStreams),
	}
	routes := newRouter(expandParts(s.resources(api.Operations, s.handlers())))
	s.handler = newRequestLog(cfg, log).observe(s.guard(s.allowOrigins(cfg.Origins, s.authenticate(routes))))
	return s
}

// Handler returns what answers the requests.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers on the listeners and sends webhooks, until ctx ends and the answers
// under way are sent. It closes the listeners.
func (s *Server) Serve(ctx context.Context, lns ...net.Listener) error {
	if len(lns) == 0 {
		return errors.New("rpc: no listener to serve on")
	}
	s.exposed.Store(isExposed(lns))
	stopped, cancel := context.WithCancel(ctx)
	defer cancel()
	srv := s.httpServer(stopped)
	var hooks []*webhook
	for _, url := range s.cfg.Webhooks {
		hooks = append(hooks, s.newWebhook(url))
	}
	var g errgroup.Group
	all := newConnLimiter()
	for _, ln := range lns {
		g.Go(func() error {
			defer cancel() // one lost listener ends the others
			return serveOn(srv, &limitedListener{ln, stopped.Done(), all})
		})
	}
	g.Go(func() error { return stopAfter(stopped, srv) })
	for _, h := range hooks {
		g.Go(func() error { h.run(stopped); return nil })
	}
	return g.Wait()
}

// httpServer ends long answers (mining, events, resolving) with ctx by giving it to every request.
func (s *Server) httpServer(ctx context.Context) *http.Server {
	return &http.Server{
		Handler:           s.handler,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       withConn,
		ConnState:         trackState,
		MaxHeaderBytes:    MaxHeaderBytes - headerSlop,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

func serveOn(srv *http.Server, ln net.Listener) error {
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP on %s: %w", ln.Addr(), err)
	}
	return nil
}

func stopAfter(ctx context.Context, srv *http.Server) error {
	<-ctx.Done()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		return srv.Close() // who reads this slowly has had the grace
	}
	return nil
}

// liftDeadlines lifts the server's deadlines for work that may take long; the caller bounds it otherwise. What is sent has a deadline of
// its own. done restores both, so that neither an unread body nor what net/http sends last can hold the connection.
func liftDeadlines(w http.ResponseWriter) (rc *http.ResponseController, done func()) {
	rc = http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // a recorder in a test has no deadlines
	_ = rc.SetWriteDeadline(time.Time{})
	return rc, func() {
		_ = rc.SetReadDeadline(time.Now().Add(headerTimeout))
		_ = rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	}
}
