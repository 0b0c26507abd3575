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
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/p2p/stream"
)

// Bounds of gossip. The library's default queues of 32 drop silently: of a burst of 500 messages, a sixth arrives.
const (
	maxMessage   = 128 << 10        // bytes of an RPC: a whole block and a control part
	maxControl   = 64 << 10         // bytes of an RPC's control part
	gossipQueue  = 4096             // messages that wait, to be sent to one peer and to be validated
	maxTopics    = 16               // subscriptions in an RPC
	maxPeers     = 256              // as a node has connections: peers new in the mesh that wait for a pull, and peers outside it that get message ids
	seenTTL      = 15 * time.Second // of a message id; each takes 400 bytes, and a flood has 20,000 a second
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
	Wake(p peer.ID)                                                                           // p may have a longer chain
	PullPool(ctx context.Context, p peer.ID) error                                            // fetches what p has pending
	Expect(hash consensus.Hash) (arrived func())                                              // a block is being pulled: do not sync for it
	Fetch(ctx context.Context, p peer.ID, hashes []consensus.Hash) (raws [][]byte, err error) // blocks by hash
	TipFrom(p peer.ID, h consensus.Header)                                                    // a block from p became the tip
	PaymentFrom(p peer.ID, id consensus.ID)                                                   // a payment from p is pending
}

// table is the part of the table of peers that gossip needs.
type table interface {
	Stall(p peer.ID, reason string)                        // p did not deliver
	Progressed(p peer.ID)                                  // p delivered
	Paused(p peer.ID) bool                                 // p is not to be asked for blocks now
	Punish(p peer.ID, err error)                           // p broke the protocol: disconnect it
	Score(p peer.ID) float64                               // -1 for each proved fault outside gossip, decaying
	Refused(p peer.ID, protocol, what string, args ...any) // something of p's was not taken, for the log
}

// counter counts for the metrics.
type counter interface {
	Message(outcome, topic string) // published, delivered, duplicate or undeliverable; topic is block or transaction
	Rejected(reason string)        // a message was not relayed
	Dropped()                      // an RPC was dropped, as a queue was full
	Orphan()                       // a block arrived before its parent
	Arrived(b *consensus.Block)    // b arrived by gossip
	Happened(e chain.Event)        // e happened on this chain
}

// lab injects faults.
type lab interface {
	Filter(from peer.ID, rpc *pubsub.RPC)                    // removes from an RPC what is lost or delayed
	Intercepts(from peer.ID, topic string, data []byte) bool // reports whether a message that this node would publish is lost or delayed
	// Deliver calls late with every delayed message until ctx ends. The sender of a message to publish is this node.
	Deliver(ctx context.Context, late func(from peer.ID, topic string, data []byte))
}

// Parts are the dependencies of Gossip.
type Parts struct {
	Host    host.Host
	Chain   *chain.Chain
	Server  *stream.Server // its rates count for gossip, too
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
	pos uint64 // the last event before this node was made: it needs no publishing

	pulls  *pulls       // announced blocks to fetch
	meshed chan peer.ID // peers new in the mesh

	relayed *relayed                             // blocks relayed or published, by parent
	orphans *lru.Cache[consensus.Hash, struct{}] // received, parent not held

	mu     sync.Mutex
	scores map[peer.ID]float64

	blocks, txs *pubsub.Topic // set by join
}

// AboveRate is a reason for a refusal beside those of pubsub: the message is dropped unread.
const AboveRate = "above the sender's rate"

// Limits of messages of one peer. A message costs half a kilobyte for a minute, whatever its verdict. Messages
// above the rate are recovered by the exchanges of statuses and pools.
const (
	RateBlocks   = "gossip of blocks"
	RatePayments = "gossip of payments"
)

// New returns a Gossip that does nothing before Join.
func New(p Parts) *Gossip {
	p.Server.SetLimit(RateBlocks, stream.Limit{Rate: 1000, Burst: 5000})
	p.Server.SetLimit(RatePayments, stream.Limit{Rate: 2000, Burst: 20_000})
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

// Join starts pubsub, which ends with ctx. The validators are registered before the first message can arrive.
func (g *Gossip) Join(ctx context.Context) error {
	ps, err := pubsub.NewGossipSub(ctx, noDial{g.h}, g.options()...)
	if err != nil {
		return fmt.Errorf("start gossip: %w", err)
	}
	if g.blocks, err = g.joinTopic(ps, BlockTopic(g.net), g.judgeBlock); err != nil {
		return err
	}
	g.txs, err = g.joinTopic(ps, TxTopic(g.net), g.judgeTransaction)
	return err
}

// joinTopic joins a topic as a relay. The validator hands messages to the chain, so there is no subscription,
// whose queue could overflow.
func (g *Gossip) joinTopic(ps *pubsub.PubSub, name string, judge pubsub.ValidatorEx) (*pubsub.Topic, error) {
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

// noDial is a host whose streams never dial: otherwise pubsub would connect again to a peer that was
// disconnected just before.
type noDial struct{ host.Host }

// NewStream opens a stream to a connected peer. If the connection has just ended and there is another one, it
// uses that.
func (h noDial) NewStream(ctx context.Context, p peer.ID, ids ...protocol.ID) (network.Stream, error) {
	ctx = network.WithNoDial(ctx, "gossip is for connected peers only")
	st, err := h.Host.NewStream(ctx, p, ids...)
	if err != nil && h.Network().Connectedness(p) == network.Connected {
		return h.Host.NewStream(ctx, p, ids...)
	}
	return st, err
}

func (g *Gossip) options() []pubsub.Option {
	topics := pubsub.NewAllowlistSubscriptionFilter(BlockTopic(g.net), TxTopic(g.net))
	return []pubsub.Option{
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithSeenMessagesTTL(seenTTL),
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
		pubsub.WithRawTracer(&tracer{m: g.m, refused: g.p.Refused, blocks: BlockTopic(g.net), repeat: g.noteDuplicate, meshed: g.meshed, told: make(map[peer.ID]struct{})}),
		pubsub.WithLogger(g.lib),
		pubsub.WithRPCLogger(g.lib),
	}
}

// inspect removes the messages above the sender's rates from an RPC, before pubsub keeps anything of them.
func (g *Gossip) inspect(from peer.ID, rpc *pubsub.RPC) error {
	if n := len(rpc.Subscriptions); n > maxTopics {
		g.p.Refused(from, "gossipsub", "RPC refused", "error", fmt.Errorf("at most %d subscriptions were expected, %d came", maxTopics, n))
	}
	rpc.Publish = slices.DeleteFunc(rpc.Publish, func(m *pb.Message) bool {
		kind := RatePayments
		if m.GetTopic() == BlockTopic(g.net) {
			kind = RateBlocks
		}
		heard := g.v.AllowMessage(from, kind)
		if !heard {
			g.m.Rejected(AboveRate)
			g.p.Refused(from, m.GetTopic(), "message not heard: "+AboveRate)
		}
		return !heard
	})
	g.lab.Filter(from, rpc)
	return nil
}

// gossipsubOnly leaves out floodsub, which has no scores.
var gossipsubOnly = []protocol.ID{pubsub.GossipSubID_v13, pubsub.GossipSubID_v12, pubsub.GossipSubID_v11}

// messageID is a hash of topic and data, so the same block is the same message from every sender.
func messageID(m *pb.Message) string {
	h := sha256.New()
	h.Write([]byte(m.GetTopic()))
	h.Write([]byte{0})
	h.Write(m.GetData())
	return string(h.Sum(nil)[:messageIDLen])
}

func meshParams() pubsub.GossipSubParams {
	p := pubsub.DefaultGossipSubParams()
	p.D, p.Dlo, p.Dhi = 6, 4, 40 // a whole class that can reach only one hub fits into the hub's mesh
	p.Dlazy = maxPeers           // every peer outside the mesh gets message ids at each heartbeat
	p.HeartbeatInterval = 700 * time.Millisecond
	p.PruneBackoff = 10 * time.Second
	p.GraftFloodThreshold = 5 * time.Second // less than the prune backoff
	p.UnsubscribeBackoff = time.Second      // so that a restarted node is soon back in the mesh
	p.IWantFollowupTime = 10 * time.Second  // slow links must not count as broken promises
	return p
}

// Score of a peer. Only proved faults and breaches of the gossipsub protocol count: mining is on demand, so
// silence is normal, and many honest peers may share an address.
const (
	invalidWeight = -10 // times the square of the invalid messages: the third one passes graylistBelow
	appWeight     = -invalidWeight * 3
	gossipBelow   = -20
	publishBelow  = -45
	graylistBelow = -60
	goodCap       = 5 // most that first deliveries add, so that they do not outweigh invalid messages
)

func thresholds() *pubsub.PeerScoreThresholds {
	return &pubsub.PeerScoreThresholds{
		GossipThreshold:             gossipBelow,
		PublishThreshold:            publishBelow,
		GraylistThreshold:           graylistBelow,
		AcceptPXThreshold:           math.MaxFloat64, // peers are exchanged by our own protocol
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
		BehaviourPenaltyThreshold: 30, // lost packets break promises, too: a dozen on the worst links with hundreds of blocks in flight
		BehaviourPenaltyDecay:     pubsub.ScoreParameterDecay(time.Minute),
		DecayInterval:             time.Second,
		DecayToZero:               0.01,
		SeenMsgTTL:                seenTTL,
		RetainScore:               time.Hour, // a reconnect does not reset the score
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

// IsGraylisted reports whether the gossip of a peer with that score is ignored.
func IsGraylisted(score float64) bool { return score < graylistBelow }

// noteScores keeps pubsub's scores, and logs which peers are newly graylisted, or no longer.
func (g *Gossip) noteScores(scores map[peer.ID]float64) {
	g.mu.Lock()
	before := g.scores
	g.scores = scores
	g.mu.Unlock()
	lines := 0
	for p, score := range scores {
		gray, was := IsGraylisted(score), IsGraylisted(before[p])
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

// Scores returns the latest score of each peer.
func (g *Gossip) Scores() map[peer.ID]float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.scores)
}
