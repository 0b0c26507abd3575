package p2p

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	libp2precord "github.com/libp2p/go-libp2p/core/record"
)

// Bounds of the peer exchange.
const (
	maxRecords      = 32              // in an answer
	maxRecord       = 4 << 10         // bytes: 16 addresses take about 1 KB
	exchangeTimeout = 5 * time.Second // for a whole exchange
	exchangeEvery   = 5 * time.Second // one peer's questions, at most
)

// peersID is the peer exchange: the asker closes its side at once; the answer is up to maxRecords signed peer records of
// connected peers, each behind its length as an unsigned varint, then EOF.
func peersID(net string) protocol.ID { return protocol.ID("/kuai/" + net + "/peers/1") }

// peerExchange passes on where connected peers are, in their own signed words.
type peerExchange struct {
	h   host.Host
	id  protocol.ID
	log *slog.Logger

	mu      sync.Mutex
	records map[peer.ID]*libp2precord.Envelope // of connected peers
	served  map[peer.ID]time.Time              // connected peers' last questions
	closed  bool
	busy    sync.WaitGroup // handlers
}

func newPeerExchange(h host.Host, net string, log *slog.Logger) *peerExchange {
	return &peerExchange{
		h: h, id: peersID(net), log: log,
		records: make(map[peer.ID]*libp2precord.Envelope),
		served:  make(map[peer.ID]time.Time),
	}
}

// start answers until ctx ends; stop, called then, waits for answers under way.
func (x *peerExchange) start(ctx context.Context) (stop func()) {
	x.h.SetStreamHandler(x.id, func(s network.Stream) { x.handle(ctx, s) })
	return func() {
		x.h.RemoveStreamHandler(x.id)
		x.mu.Lock()
		x.closed = true
		x.mu.Unlock()
		x.busy.Wait()
	}
}

// came keeps what a connected peer signed about itself.
func (x *peerExchange) came(p peer.ID, record *libp2precord.Envelope) {
	if record == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.records[p] = record
}

// went forgets a peer.
func (x *peerExchange) went(p peer.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.records, p)
	delete(x.served, p)
}

func (x *peerExchange) handle(ctx context.Context, s network.Stream) {
	p := s.Conn().RemotePeer()
	if !x.admit(p) {
		_ = s.ResetWithError(network.StreamRateLimited)
		return
	}
	defer x.busy.Done()
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	err := s.SetDeadline(time.Now().Add(exchangeTimeout))
	if err == nil {
		err = writeRecords(s, x.choose(p))
	}
	if err != nil {
		x.log.Debug("peer exchange not answered", "peer", p, "error", err)
		_ = s.Reset()
		return
	}
	_ = s.Close()
}

// admit says whether p may ask now; if so, busy counts it.
func (x *peerExchange) admit(p peer.ID) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if last, ok := x.served[p]; x.closed || ok && time.Since(last) < exchangeEvery {
		return false
	}
	x.served[p] = time.Now()
	x.busy.Add(1)
	return true
}

// choose takes records at random, never the asker's own.
func (x *peerExchange) choose(asker peer.ID) [][]byte {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all [][]byte
	for p, r := range x.records {
		raw, err := r.Marshal()
		if p != asker && err == nil && len(raw) <= maxRecord {
			all = append(all, raw)
		}
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(len(all), maxRecords)]
}

func writeRecords(w io.Writer, records [][]byte) error {
	var buf []byte
	for _, r := range records {
		buf = append(binary.AppendUvarint(buf, uint64(len(r))), r...)
	}
	_, err := w.Write(buf)
	return err
}

// ask returns peers that p knows. Each proved by its signature that it said so itself.
func (x *peerExchange) ask(ctx context.Context, p peer.ID) ([]peer.AddrInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	s, err := x.h.NewStream(network.WithNoDial(ctx, "peer exchange"), p, x.id)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	deadline, _ := ctx.Deadline()
	err = errors.Join(s.SetDeadline(deadline), s.CloseWrite())
	if err == nil {
		var found []peer.AddrInfo
		if found, err = readRecords(s); err == nil {
			return found, s.Close()
		}
	}
	_ = s.Reset()
	return nil, err
}

// readRecords reads an answer to its end.
func readRecords(r io.Reader) ([]peer.AddrInfo, error) {
	in := bufio.NewReader(r)
	var found []peer.AddrInfo
	for {
		n, err := binary.ReadUvarint(in)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		if n > maxRecord || len(found) == maxRecords {
			return nil, fmt.Errorf("peer exchange: record %d of %d bytes, at most %d of %d are taken", len(found)+1, n, maxRecords, maxRecord)
		}
		raw := make([]byte, n)
		if _, err := io.ReadFull(in, raw); err != nil {
			return nil, err
		}
		info, err := openRecord(raw)
		if err != nil {
			return nil, err
		}
		found = append(found, info)
	}
}

// openRecord checks a record's signature, and that it is the signer's own.
func openRecord(raw []byte) (peer.AddrInfo, error) {
	envelope, content, err := libp2precord.ConsumeEnvelope(raw, peer.PeerRecordEnvelopeDomain)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("peer exchange: record: %w", err)
	}
	r, ok := content.(*peer.PeerRecord)
	if !ok || !r.PeerID.MatchesPublicKey(envelope.PublicKey) {
		return peer.AddrInfo{}, errors.New("peer exchange: record is not signed by its peer")
	}
	return peer.AddrInfo{ID: r.PeerID, Addrs: r.Addrs[:min(len(r.Addrs), maxBookAddrs)]}, nil
}
