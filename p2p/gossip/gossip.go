package gossip

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/p2p/stream"
)

// Bounds of gossip. The library's own queues of 32 drop silently: a burst of 500 messages then delivers a sixth.
const (
	maxMessage   = 128 << 10        // bytes of an RPC: a whole block and room for control
	maxControl   = 64 << 10         // bytes of an RPC's control part
	gossipQueue  = 4096             // messages waiting, out to one peer and in to be judged
	maxTopics    = 16               // subscriptions in an RPC
	maxPeers     = 256              // as many connections as a node has: peers new in the mesh that wait to be asked, and peers outside it that are told
	seenFor      = 15 * time.Second // a message is known by its id; 400 bytes each, and a flood has 20,000 a second
	scoreEvery   = 5 * time.Second
	messageIDLen = 20
	maxGrayLines = 8 // lines about graylisted peers in scoreEvery
)

// BlockTopic is the topic of a network's blocks: canonical JSON, or announcements.
func BlockTopic(net string) string { return "/kuai/" + net + "/block/1" }

// TxTopic is the topic of a network's transactions: canonical JSON.
func TxTopic(net string) string { return "/kuai/" + net + "/tx/1" }

// syncer fetches what gossip does not carry.
type syncer interface {
	Wake(p peer.ID)                                                                           // p may have something longer
	PullPool(ctx context.Context, p peer.ID) error                                            // fetches what p has pending
	Expect(hash consensus.Hash) (arrived func())                                              // a block is being pulled: no sync for it
	Fetch(ctx context.Context, p peer.ID, hashes []consensus.Hash) (raws [][]byte, err error) // blocks by hash
	TipFrom(p peer.ID, h consensus.Header)                                                    // a block of p's became the tip
	PaymentFrom(p peer.ID, id consensus.ID)                                                   // a payment of p's is pending
}

// table is what gossip tells of peers, and asks about them.
type table interface {
	Stall(p peer.ID, reason string)                        // p did not deliver
	Progressed(p peer.ID)                                  // p delivered
	Paused(p peer.ID) bool                                 // p is not to be asked for blocks now
	Punish(p peer.ID, err error)                           // p broke the protocol: disconnect it
	Score(p peer.ID) float64                               // -1 for each proved fault outside gossip, fading
	Refused(p peer.ID, protocol, what string, args ...any) // something of p's was not taken, for the log
}

// counter is told what the operator watches.
type counter interface {
	Message(outcome, topic string) // published, delivered, duplicate or undeliverable; topic is block or transaction
	Rejected(reason string)        // a message was not passed on
	Dropped()                      // a sending was, for a full queue
	Orphan()                       // a block was heard before its parent
	Arrived(b *consensus.Block)    // b came by gossip
	Happened(e chain.Event)        // e happened on this chain
}

// lab makes faults on purpose.
type lab interface {
	Hear(from peer.ID, rpc *pubsub.RPC)                 // takes out of an RPC what is lost, or comes later
	Takes(from peer.ID, topic string, data []byte) bool // what this node would publish is lost, or comes later
	// Deliver hands over what comes later until ctx ends. The sender of what is to be published is this node.
	Deliver(ctx context.Context, late func(from peer.ID, topic string, data []byte))
}

// Parts are what gossip works with.
type Parts struct {
	Host    host.Host
	Chain   *chain.Chain
	Server  *stream.Server // its rates hold for gossip as well
	Syncer  syncer
	Table   table
	Counter counter
	Lab     lab
	Log     *slog.Logger
	Library *slog.Logger // pubsub's
}

// Gossip spreads blocks and transactions, and judges those of others.
type Gossip struct {
	h   host.Host
	c   *chain.Chain
	v   *stream.Server
	s   syncer
	p   table
	m   counter
	lab lab
	log *slog.Logger
	lib *slog.Logger
	net string
	pos uint64 // the newest event that needs no publishing: it came before this node was made

	pulls  *pulls       // announced blocks to fetch
	meshed chan peer.ID // peers new in the mesh

	relayed *relayed                             // blocks passed on, or made, by parent
	orphans *lru.Cache[consensus.Hash, struct{}] // heard, parent not held

	mu     sync.Mutex
	scores map[peer.ID]float64

	blocks, txs *pubsub.Topic // set by join
}

// AboveRate is the reason for which a message is not even looked at, beside those of pubsub.
const AboveRate = "above the sender's rate"

// What peers say by gossip is limited by rate only. A message costs half a kilobyte for a minute, whatever becomes of it. What a
// busy peer says beyond that is repaired by the exchanges of statuses and pools.
const (
	HeardBlocks   = "gossip of blocks"
	HeardPayments = "gossip of payments"
)

// New returns an inert gossip.
func New(p Parts) *Gossip {
	p.Server.SetLimit(HeardBlocks, stream.Limit{Rate: 1000, Burst: 5000})
	p.Server.SetLimit(HeardPayments, stream.Limit{Rate: 2000, Burst: 20_000})
	return &Gossip{
		h: p.Host, c: p.Chain, v: p.Server, s: p.Syncer, p: p.Table, m: p.Counter, lab: p.Lab, log: p.Log, lib: p.Library,
		net:     p.Chain.Rules().Network(),
		pos:     p.Chain.LastEvent(),
		pulls:   newPulls(),
		meshed:  make(chan peer.ID, maxPeers),
		relayed: newRelayed(),
		orphans: newOrphans(),
	}
}

// newOrphans returns a set of hashes that keeps the most recent ones.
func newOrphans() *lru.Cache[consensus.Hash, struct{}] {
	set, err := lru.New[consensus.Hash, struct{}](maxOrphans)
	if err != nil {
		panic("gossip: the size is greater than 0: " + err.Error())
	}
	return set
}

// Join starts pubsub, which ends with ctx. The validators are there before the first message can be.
func (g *Gossip) Join(ctx context.Context) error {
	ps, err := pubsub.NewGossipSub(ctx, g.h, g.options()...)
	if err != nil {
		return fmt.Errorf("start gossip: %w", err)
	}
	if g.blocks, err = g.enter(ps, BlockTopic(g.net), g.judgeBlock); err != nil {
		return err
	}
	g.txs, err = g.enter(ps, TxTopic(g.net), g.judgeTransaction)
	return err
}

// enter joins a topic to relay it. What arrives goes to the chain from the validator, so nothing is subscribed to and
// there is no third queue that could overflow.
func (g *Gossip) enter(ps *pubsub.PubSub, name string, judge pubsub.ValidatorEx) (*pubsub.Topic, error) {
	if err := ps.RegisterTopicValidator(name, judge, pubsub.WithValidatorInline(true)); err != nil {
		return nil, fmt.Errorf("judge topic %s: %w", name, err)
	}
	t, err := ps.Join(name)
	if err != nil {
		return nil, fmt.Errorf("join topic %s: %w", name, err)
	}
	if _, err := t.Relay(); err != nil {
		return nil, fmt.Errorf("relay topic %s: %w", name, err)
	}
	return t, nil
}

func (g *Gossip) options() []pubsub.Option {
	topics := pubsub.NewAllowlistSubscriptionFilter(BlockTopic(g.net), TxTopic(g.net))
	return []pubsub.Option{
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithSeenMessagesTTL(seenFor),
		pubsub.WithAppSpecificRpcInspector(g.inspect),
		pubsub.WithSubscriptionFilter(pubsub.WrapLimitSubscriptionFilter(topics, maxTopics)),
		pubsub.WithGossipSubProtocols(gossipsubOnly, pubsub.GossipSubDefaultFeatures),
		pubsub.WithGossipSubParams(meshParams()),
		pubsub.WithFloodPublish(true),
		pubsub.WithPeerOutboundQueueSize(gossipQueue),
		pubsub.WithValidateQueueSize(gossipQueue),
		pubsub.WithValidateWorkers(1), // more would reorder consecutive blocks and make orphans
		pubsub.WithMaxMessageSize(maxMessage),
		pubsub.WithMaxControlMessageSize(maxControl),
		pubsub.WithPeerScore(g.scoreParams(), thresholds()),
		pubsub.WithPeerScoreInspect(g.noteScores, scoreEvery),
		pubsub.WithRawTracer(&tracer{m: g.m, refused: g.p.Refused, blocks: BlockTopic(g.net), meshed: g.meshed, already: make(map[peer.ID]struct{})}),
		pubsub.WithLogger(g.lib),
		pubsub.WithRPCLogger(g.lib),
	}
}

// inspect takes out of an RPC what its sender says beyond its rates, before anything is remembered of it.
func (g *Gossip) inspect(from peer.ID, rpc *pubsub.RPC) error {
	if n := len(rpc.Subscriptions); n > maxTopics {
		g.p.Refused(from, "gossipsub", "RPC refused", "error", fmt.Errorf("at most %d subscriptions were expected, %d came", maxTopics, n))
	}
	rpc.Publish = slices.DeleteFunc(rpc.Publish, func(m *pb.Message) bool {
		kind := HeardPayments
		if m.GetTopic() == BlockTopic(g.net) {
			kind = HeardBlocks
		}
		heard := g.v.Hears(from, kind)
		if !heard {
			g.m.Rejected(AboveRate)
			g.p.Refused(from, m.GetTopic(), "message not heard: "+AboveRate)
		}
		return !heard
	})
	g.lab.Hear(from, rpc)
	return nil
}

// gossipsubOnly leaves out floodsub, which knows no scores.
var gossipsubOnly = []protocol.ID{pubsub.GossipSubID_v13, pubsub.GossipSubID_v12, pubsub.GossipSubID_v11}

// messageID names a message by its content, so that the same block is the same message from every sender.
func messageID(m *pb.Message) string {
	h := sha256.New()
	h.Write([]byte(m.GetTopic()))
	h.Write([]byte{0})
	h.Write(m.GetData())
	return string(h.Sum(nil)[:messageIDLen])
}

func meshParams() pubsub.GossipSubParams {
	p := pubsub.DefaultGossipSubParams()
	p.D, p.Dlo, p.Dhi = 6, 4, 40 // a class that reaches only its hub is in the hub's mesh as a whole
	p.Dlazy = maxPeers           // each peer outside the mesh is told by the next heartbeat what there is
	p.HeartbeatInterval = 700 * time.Millisecond
	p.PruneBackoff = 10 * time.Second
	p.GraftFloodThreshold = 5 * time.Second // within the prune backoff
	p.UnsubscribeBackoff = time.Second      // a node that restarts is soon back in the mesh
	p.IWantFollowupTime = 10 * time.Second  // slow links do not break a promise
	return p
}

// Score of a peer. Only proved faults and bad manners count: mining is on demand, so silence is normal, and many honest
// peers may share an address.
const (
	invalidWeight = -10 // times the square of the invalid messages: the third one passes graylistBelow
	appWeight     = -invalidWeight * 3
	gossipBelow   = -20
	publishBelow  = -45
	graylistBelow = -60
	goodCap       = 5 // what first deliveries may earn, at most: no licence to send rubbish
)

func thresholds() *pubsub.PeerScoreThresholds {
	return &pubsub.PeerScoreThresholds{
		GossipThreshold:             gossipBelow,
		PublishThreshold:            publishBelow,
		GraylistThreshold:           graylistBelow,
		AcceptPXThreshold:           math.MaxFloat64, // peers come by our own exchange
		OpportunisticGraftThreshold: 1,
	}
}

func (g *Gossip) scoreParams() *pubsub.PeerScoreParams {
	return &pubsub.PeerScoreParams{
		Topics: map[string]*pubsub.TopicScoreParams{
			BlockTopic(g.net): topicScore(),
			TxTopic(g.net):    topicScore(),
		},
		TopicScoreCap:             goodCap,
		AppSpecificScore:          g.p.Score, // -1 for each proved fault outside gossip
		AppSpecificWeight:         appWeight,
		BehaviourPenaltyWeight:    -1,
		BehaviourPenaltyThreshold: 30, // lost packets break promises, too: a dozen on the worst links, while hundreds of blocks go round
		BehaviourPenaltyDecay:     pubsub.ScoreParameterDecay(time.Minute),
		DecayInterval:             time.Second,
		DecayToZero:               0.01,
		SeenMsgTTL:                seenFor,
		RetainScore:               time.Hour, // a peer does not wash itself by leaving
	}
}

func topicScore() *pubsub.TopicScoreParams {
	return &pubsub.TopicScoreParams{
		TopicWeight:                    1,
		TimeInMeshQuantum:              time.Second,
		FirstMessageDeliveriesWeight:   0.1,
		FirstMessageDeliveriesDecay:    pubsub.ScoreParameterDecay(10 * time.Minute),
		FirstMessageDeliveriesCap:      100,
		InvalidMessageDeliveriesWeight: invalidWeight,
		InvalidMessageDeliveriesDecay:  pubsub.ScoreParameterDecay(6 * time.Hour),
	}
}

// noteScores keeps what pubsub thinks of each peer, and logs whose gossip is no longer heard or is heard again.
func (g *Gossip) noteScores(scores map[peer.ID]float64) {
	g.mu.Lock()
	before := g.scores
	g.scores = scores
	g.mu.Unlock()
	lines := 0
	for p, score := range scores {
		gray, was := score < graylistBelow, before[p] < graylistBelow
		if gray == was {
			continue
		}
		if lines++; lines > maxGrayLines {
			continue
		}
		if gray {
			g.log.Info("peer graylisted: its gossip is not heard", "peer", p, "score", score, "below", graylistBelow)
		} else {
			g.log.Info("peer no longer graylisted: its gossip is heard", "peer", p, "score", score)
		}
	}
	if lines > maxGrayLines {
		g.log.Info("more peers graylisted or heard again", "peers", lines-maxGrayLines)
	}
}

// Scores returns the last score of each peer.
func (g *Gossip) Scores() map[peer.ID]float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.scores)
}
