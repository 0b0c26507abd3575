package rpc

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"path"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/rpc/api"
	"kuai/rpc/web"
)

// policyPage lets the page load what this node serves, and nothing from elsewhere or inline.
var policyPage = []string{"default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}

// Bounds of what the page is sent with. The scripts ask for what is missing.
const (
	pageBlocks   = 24        // newest blocks
	pageBytes    = 256 << 10 // of their text, at most; one block at least
	pagePayments = 100
	pagePeers    = 200
	pageForks    = 100
)

// parts are the page's scripts, styles and mark.
var parts = web.Files()

// setPage sets the headers of the page and its parts.
func setPage(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Security-Policy"] = policyPage
	h["Referrer-Policy"] = sameOrigin
	h["Cache-Control"] = []string{"no-cache"}
}

// expandParts makes a path of each part of the page, so that a name that is none of them is an unknown path for
// every method.
func expandParts(all map[string]resource) map[string]resource {
	const pattern = "/web/{file}"
	shared := all[pattern]
	delete(all, pattern)
	for name := range parts {
		all["/web/"+name] = maps.Clone(shared)
	}
	return all
}

// part serves a part of the page.
func part(w http.ResponseWriter, r *http.Request) {
	setPage(w)
	file := parts[path.Base(r.URL.Path)]
	send(w, http.StatusOK, []string{file.Type}, file.Body)
}

// icon is GET /favicon.ico: the mark.
func icon(w http.ResponseWriter, _ *http.Request) {
	setPage(w)
	mark := parts["mark.svg"]
	send(w, http.StatusOK, []string{mark.Type}, mark.Body)
}

// page is GET /: the page with what the node knows now, in the browser's language.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	snap, release, err := s.snapshot(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer release()
	p, err := s.firstPaint(snap, s.languageFor(r))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p.Language = web.Language(r.Header.Get("Accept-Language"))
	var body bytes.Buffer
	if err := web.Render(&body, p); err != nil {
		s.fail(w, r, err)
		return
	}
	setPage(w)
	w.Header().Add("Vary", "Accept-Language")
	send(w, http.StatusOK, typeHTML, body.Bytes())
}

// usualPayment returns accounts that a payment can begin with: on a secure network, those whose keys the node holds by name.
func (s *Server) usualPayment() (payer, payee string) {
	switch {
	case s.addressOf("alice") != "alice", !s.chain.Rules().IsSecure():
		return "alice", "bob"
	case s.addressOf("rewards") != "rewards":
		return "rewards", ""
	}
	return "", ""
}

// accountNames are the names that the node gives to addresses of a secure network: the development accounts, and its own for rewards.
func (s *Server) accountNames() map[string]string {
	names := map[string]string{}
	if s.cfg.Keys != nil && s.chain.Rules().IsSecure() {
		for _, k := range s.cfg.Keys.Unlocked() {
			if k.Name != "" {
				names[k.Address] = k.Name
			}
		}
	}
	return names
}

// firstPaint gathers what the page shows before a script runs, and the answers with which the scripts begin, in the language of say.
func (s *Server) firstPaint(snap *chain.Snapshot, say func(string) string) (web.Page, error) {
	node, mining := s.nodeInfo(), s.minerInfo()
	peers, pending := s.peersInfo(1, pagePeers, say), s.pendingInfo(1, pagePayments)
	for i := range peers.Peers {
		peers.Peers[i].Knows = nil // long, and shown by the view of the network alone, which asks again
	}
	node.Height, node.Tip = snap.Tip().Index, snap.Tip().Hash.String()
	p := web.Page{
		Network: node.Network, NetworkName: node.NetworkName, Secure: s.chain.Rules().IsSecure(), PeerID: node.PeerID, Height: node.Height, Peers: node.Peers,
		Pending: pending.Count, Mode: mining.Mode,
	}
	p.Payer, p.Payee = s.usualPayment()
	blocks, err := s.newestBlocks(snap, &p)
	if err != nil {
		return p, err
	}
	for _, t := range pending.Transactions {
		shown := web.Payment{ID: t.ID, Sender: t.Sender, Recipient: t.Recipient, Amount: t.Amount.String()}
		p.Payments = append(p.Payments, shown)
	}
	p.State = web.State{Zeros: s.chain.Rules().Zeros, Operations: webOperations, Lab: s.cfg.Lab != nil, Accounts: s.accountNames()}
	p.State.Answers = map[string]json.RawMessage{
		"/node":                           api.Append(nil, node),
		"/mining":                         api.Append(nil, mining),
		"/peers?limit=200":                api.Append(nil, peers),
		"/transactions/pending?limit=100": api.Append(nil, pending),
		"/forks?limit=100":                api.Append(nil, s.forksInfo(1, pageForks)),
		"blocks":                          api.Append(nil, blocks),
	}
	return p, nil
}

// newestBlocks returns the newest blocks, the newest last, and puts their cards into the page.
func (s *Server) newestBlocks(snap *chain.Snapshot, p *web.Page) (list []api.BlockInfo, err error) {
	size, names := 0, peerNames(s.network.Peers())
	for i := p.Height; i > 0 && len(list) < pageBlocks; i-- {
		held, err := snap.At(i)
		if err != nil {
			return nil, err
		}
		size += len(held.Block.Canonical())
		if size > pageBytes && len(list) > 0 {
			break
		}
		list = append(list, blockInfo(held, snap.Tip(), names))
		p.Blocks = append(p.Blocks, blockCard(held.Block))
	}
	return list, nil
}

// blockCard returns what the strip shows of a block. What the first block gives to accounts is not a reward of a miner.
func blockCard(b *consensus.Block) web.Block {
	card := web.Block{Index: b.Index(), Hash: b.Hash().String()}
	for _, t := range b.Transactions() {
		switch {
		case t.Sender != consensus.RewardSender:
			card.Payments++
		case b.Index() > 1:
			card.Miner = t.Recipient
		}
	}
	return card
}

// webOperations is the table as the page has it, for curl commands.
var webOperations = func() map[string]web.Operation {
	all := map[string]web.Operation{}
	for _, op := range api.Operations {
		all[op.ID] = web.Operation{Method: op.Method, Path: op.Path}
	}
	return all
}()
