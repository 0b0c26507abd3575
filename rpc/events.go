package rpc

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kuai/chain"
	"kuai/rpc/api"
)

// Bounds of GET /events.
const (
	maxStreams   = 128              // open at once
	maxResume    = 1000             // events sent again after Last-Event-ID
	pollInterval = 2 * time.Second  // for peers and mining, which announce nothing themselves
	keepAlive    = 15 * time.Second // a comment, so that proxies and clients see a live connection
)

// bootID names this process in event ids: the chain counts its events from 1 at each start.
func bootID() string { return strings.ToLower(rand.Text()[:8]) }

// events is GET /events, Server-Sent Events. block, transaction, unpaid and reorg carry an id and are resumed by Last-Event-ID;
// peer and mining say the state as it is and carry none; reset says that events were missed: read the state anew.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		s.refuse(w, r, tooManyStreams)
		return
	}
	w.Header()["Content-Type"] = []string{"text/event-stream"}
	if r.Method == http.MethodHead {
		return
	}
	rc, done := liftDeadlines(w)
	defer done()
	f := &feed{s: s, w: w, rc: rc}
	f.resume(r.Header.Get("Last-Event-ID"))
	f.run(r.Context())
}

// feed is one client's event stream. It pulls from a position of its own, so that a slow client delays nobody.
type feed struct {
	s      *Server
	w      http.ResponseWriter
	rc     *http.ResponseController
	seq    uint64            // the last event sent
	peers  string            // as last sent
	mining string            // as last sent
	names  map[string]string // of peers, when they were looked at last
	buf    []byte
}

// resume sets the position from a Last-Event-ID, or to now.
func (f *feed) resume(last string) {
	f.seq = f.s.chain.LastEvent()
	f.buf = append(f.buf, "retry: 2000\n\n"...)
	if last == "" {
		return
	}
	boot, text, _ := strings.Cut(last, "-")
	seq, err := strconv.ParseUint(text, 10, 64)
	if boot != f.s.boot || err != nil || seq > f.seq || f.seq-seq > maxResume {
		f.event("reset", "", api.ResetEvent{})
		return
	}
	f.seq = seq
}

// run sends until the client leaves or the server stops.
func (f *feed) run(ctx context.Context) {
	wake, stop := f.s.chain.Watch()
	defer stop()
	poll, alive := time.NewTicker(pollInterval), time.NewTicker(keepAlive)
	defer poll.Stop()
	defer alive.Stop()
	f.state()
	for {
		f.pull()
		if f.flush() != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-poll.C:
			f.state()
		case <-alive.C:
			f.buf = append(f.buf, ": still here\n\n"...)
		}
	}
}

func (f *feed) flush() error {
	if len(f.buf) == 0 {
		return nil
	}
	_ = f.rc.SetWriteDeadline(time.Now().Add(chunkTimeout)) // a recorder in a test has none
	_, err := f.w.Write(f.buf)
	f.buf = f.buf[:0]
	if err != nil {
		return err
	}
	return f.rc.Flush()
}

// pull gathers the chain's events after the position.
func (f *feed) pull() {
	events, lost := f.s.chain.Events(f.seq)
	if lost {
		f.event("reset", "", api.ResetEvent{})
	}
	for _, e := range events {
		f.seq = e.Seq
		if name, data := eventOf(e, f.names); name != "" {
			f.event(name, f.s.eventID(e.Seq), data)
		}
	}
}

// state gathers what has changed of peers and mining.
func (f *feed) state() {
	var left []api.LeftBranch
	ids, names, peers := []string{}, []string{}, f.s.network.Peers()
	for _, p := range peers {
		if p.Connected {
			ids, names = append(ids, p.ID), append(names, p.Name)
			if p.LeftHeight > 0 {
				left = append(left, api.LeftBranch{At: p.LeftAt, Fork: p.LeftFork, Height: p.LeftHeight, Peer: p.ID, Tip: p.LeftTip.String()})
			}
		}
	}
	f.names = peerNames(peers)
	f.changed(&f.peers, "peer", api.PeerEvent{Connected: len(ids), Left: left, Names: names, Peers: ids})
	f.changed(&f.mining, "mining", miningEvent(f.s.miner.Status()))
}

func (f *feed) changed(last *string, name string, data any) {
	if now := string(api.Append(nil, data)); now != *last {
		*last = now
		f.event(name, "", data)
	}
}

func (f *feed) event(name, id string, data any) {
	f.buf = fmt.Appendf(f.buf, "event: %s\n", name)
	if id != "" {
		f.buf = fmt.Appendf(f.buf, "id: %s\n", id)
	}
	f.buf = api.Append(append(f.buf, "data: "...), data)
	f.buf = append(f.buf, "\n\n"...)
}

// eventOf is an event of the chain as clients get it, with no name if they do not. names are those of peers.
func eventOf(e chain.Event, names map[string]string) (name string, data any) {
	h := e.Header
	switch e.Kind {
	case chain.EventBlock:
		return "block", api.BlockEvent{
			From: e.From, FromName: names[e.From], Hash: h.Hash.String(), Index: h.Index, PreviousHash: h.Previous.String(), Timestamp: h.Timestamp,
			Transactions: len(e.Block.Transactions()), Unpaid: e.Unpaid.Count, UnpaidPayments: unpaidPayments(e.Unpaid),
		}
	case chain.EventReorg:
		return "reorg", api.ReorgEvent{
			Dropped: e.Dropped, From: e.From, FromName: names[e.From], Hash: h.Hash.String(), Index: h.Index, Old: blockRef(e.Old), PreviousHash: h.Previous.String(),
			Returned: e.Returned, Timestamp: h.Timestamp, Transactions: len(e.Block.Transactions()),
			Unpaid: e.Unpaid.Count, UnpaidPayments: unpaidPayments(e.Unpaid),
		}
	case chain.EventTransaction:
		return "transaction", api.TransactionEvent{From: e.From, FromName: names[e.From], Transaction: paymentInfo(e.Payment.Transaction())}
	case chain.EventExpired:
		return "unpaid", api.UnpaidEvent{Unpaid: e.Unpaid.Count, UnpaidPayments: unpaidPayments(e.Unpaid)}
	}
	return "", nil
}

// unpaidPayments lists the first of what was dropped for good.
func unpaidPayments(all chain.Unpaid) (list []api.UnpaidPayment) {
	for _, u := range all.First {
		t := u.Payment.Transaction()
		list = append(list, api.UnpaidPayment{Amount: json.Number(t.Amount), ID: t.ID.String(), Reason: string(u.Reason), Recipient: t.Recipient, Sender: t.Sender})
	}
	return list
}
