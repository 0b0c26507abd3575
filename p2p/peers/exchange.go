package peers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2precord "github.com/libp2p/go-libp2p/core/record"

	"kuai/p2p/stream"
	"kuai/p2p/wire"
)

// Bounds of the peer exchange.
const (
	maxRecords      = 32              // in an answer
	maxRecord       = 4 << 10         // bytes: 16 addresses take about 1 KB
	exchangeTimeout = 5 * time.Second // for a whole exchange
	exchangeEvery   = 5 * time.Second // one peer's questions, at most
)

// servePeers answers with signed peer records of connected peers.
//
//	asker → closes its side
//	      ← up to maxRecords frames with a record each, then closes
func (t *Table) servePeers(_ context.Context, x *stream.Exchange) error {
	if err := wire.ReadEnd(x.R); err != nil {
		return err
	}
	if err := writeRecords(x.W, t.book.randomRecords(x.Peer)); err != nil {
		return err
	}
	return x.W.Flush()
}

// randomRecords returns random records of connected peers other than the asker.
func (b *book) randomRecords(asker peer.ID) [][]byte {
	var all [][]byte
	for _, r := range b.records(asker) {
		if raw, err := r.Marshal(); err == nil && len(raw) <= maxRecord {
			all = append(all, raw)
		}
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(len(all), maxRecords)]
}

func writeRecords(w io.Writer, records [][]byte) error {
	var buf []byte
	for _, r := range records {
		buf = wire.AppendFrame(buf, r)
	}
	_, err := w.Write(buf)
	return err
}

// AskPeers asks p for peers. Each one's record is signed by that peer itself.
func (t *Table) AskPeers(ctx context.Context, p peer.ID) (found []peer.AddrInfo, err error) {
	err = t.client.Ask(ctx, p, stream.Peers, exchangeTimeout, func(st network.Stream) (err error) {
		if err := st.CloseWrite(); err != nil {
			return err
		}
		found, err = readRecords(st)
		return err
	})
	if err != nil {
		t.blame(p, err)
		return nil, err
	}
	return found, nil
}

// readRecords reads an answer to the end of the stream.
func readRecords(r io.Reader) ([]peer.AddrInfo, error) {
	in := bufio.NewReader(r)
	var found []peer.AddrInfo
	for {
		raw, err := wire.ReadFrame(in, maxRecord)
		switch {
		case errors.Is(err, io.EOF):
			return found, nil
		case err != nil:
			return nil, err
		case len(found) == maxRecords:
			return nil, wire.Violation("more than %d peer records", maxRecords)
		}
		info, err := openRecord(raw)
		if err != nil {
			return nil, wire.Violation("peer record %d of %d bytes: %v", len(found)+1, len(raw), err)
		}
		found = append(found, info)
	}
}

// openRecord checks a record's signature, and that it is the signer's own.
func openRecord(raw []byte) (peer.AddrInfo, error) {
	envelope, content, err := libp2precord.ConsumeEnvelope(raw, peer.PeerRecordEnvelopeDomain)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("no signed peer record: %w", err)
	}
	r, ok := content.(*peer.PeerRecord)
	if !ok || !r.PeerID.MatchesPublicKey(envelope.PublicKey) {
		return peer.AddrInfo{}, errors.New("not signed by its peer")
	}
	return peer.AddrInfo{ID: r.PeerID, Addrs: r.Addrs[:min(len(r.Addrs), maxBookAddrs)]}, nil
}
