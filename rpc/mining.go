package rpc

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"kuai/chain/canonical"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

// mining is GET /mining: what the miner is at.
func (s *Server) mining(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.minerInfo())
}

func (s *Server) minerInfo() api.Miner {
	m := s.miner.Status()
	return api.Miner{
		Blocks: m.Blocks, Callers: m.Callers, Cores: m.Cores, Expected: expectedSeconds(m), Kernel: m.Kernel, Mode: m.Mode,
		Rate: m.Rate, Searching: m.Searching, Share: m.Share, Stale: m.Stale, Total: m.Total, Tries: m.Tries,
	}
}

// expectedSeconds is the mean time to a block, nil while the rate is unknown.
func expectedSeconds(m MinerStatus) *float64 {
	if m.Expected <= 0 {
		return nil
	}
	return new(m.Expected.Seconds())
}

// miningEvent is the event of that name: with figures while a search runs.
func miningEvent(m MinerStatus) any {
	if !m.Searching {
		return api.MiningEvent{Mode: m.Mode}
	}
	return api.SearchEvent{Expected: expectedSeconds(m), Mode: m.Mode, Rate: m.Rate, Searching: true, Tries: m.Tries}
}

// setMining is POST /mining: {"mode"}, {"cores"}, {"share"} or several of them. If one is refused nothing changes.
func (s *Server) setMining(w http.ResponseWriter, r *http.Request) {
	o, err := readObject(w, r, `{"mode": "instant"}`)
	if err == nil {
		err = s.switchMining(o)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, s.minerInfo())
}

// maxCores is more than any machine has; a search takes a goroutine for each.
const maxCores = 1024

func (s *Server) switchMining(o canonical.Object) error {
	mode, hasMode := o.Get("mode")
	cores, hasCores, err := optionalInteger(o, "cores", 0, maxCores, "0 stands for all cores.")
	if err != nil {
		return err
	}
	share, hasShare, err := optionalInteger(o, "share", 1, 100, "It is a percentage of the cores' time.")
	if err != nil {
		return err
	}
	if !hasMode && !hasCores && !hasShare {
		return badRequest("missing values", "The body names neither \"mode\" nor \"cores\" nor \"share\".", `Send {"mode": "instant"}.`)
	}
	if hasMode {
		name, _ := mode.(string)
		if err := s.miner.SetMode(name); err != nil {
			return badRequest("no mining mode", "The mode was refused: "+err.Error()+".", "Send one of those.")
		}
	}
	if hasCores {
		s.miner.SetCores(cores)
	}
	if hasShare {
		s.miner.SetShare(share)
	}
	return nil
}

// optionalInteger reads an integer between low and high, if the object has that key.
func optionalInteger(o canonical.Object, key string, low, high int64, hint string) (value int, has bool, err error) {
	v, has := o.Get(key)
	n, isInteger := integer(v)
	if has && (!isInteger || n < low || n > high) {
		return 0, true, badRequest("number out of range", fmt.Sprintf("%q must be an integer from %d to %d.", key, low, high), hint)
	}
	return int(n), has, nil
}

// work is GET /mining/work: all that a miner elsewhere needs. A number is right if the SHA-256 of text.before, the number in decimal
// and text.after is at most the target. The transactions are those that a block would hold now; a classic network's proof does not cover
// them.
func (s *Server) work(w http.ResponseWriter, _ *http.Request) {
	t, rules := s.miner.Work(), s.chain.Rules()
	list := append(payments(t.Payments), paymentInfo(rules.RewardTo(t.Recipient)))
	parent, puzzle := t.Parent, rules.Puzzle(t)
	answer(w, http.StatusOK, api.Work{
		ID:           workID(parent, list),
		Index:        parent.Index + 1,
		Parent:       api.WorkParent{Hash: parent.Hash.String(), Index: parent.Index, Proof: proofInfo(parent)},
		Root:         rootText(puzzle.Root),
		Target:       puzzle.Target.String(),
		Text:         api.WorkText{After: puzzle.After, Before: puzzle.Before},
		Transactions: list,
		Zeros:        zerosOf(puzzle.Target),
	})
}

func rootText(root consensus.Hash) string {
	if root == (consensus.Hash{}) {
		return ""
	}
	return root.String()
}

// zerosOf is the number of hex zeros that every hash that meets t starts with.
func zerosOf(t consensus.Target) int {
	text := t.String()
	return len(text) - len(strings.TrimLeft(text, "0"))
}

// workID names the work: another parent or another transaction makes another one.
func workID(parent consensus.Header, list []api.Payment) string {
	sum := sha256.Sum256(api.Append(parent.Hash[:], list))
	return hex.EncodeToString(sum[:16])
}

// submit is POST /mining/submit: a proof that was found elsewhere becomes a block. It is on disk before the answer is sent.
func (s *Server) submit(w http.ResponseWriter, r *http.Request) {
	o, err := readObject(w, r, `{"parent": "hash of GET /mining/work", "proof": 35293}`)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	parent, root, proof, err := s.readProof(o)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	b, err := s.miner.Submit(parent, root, proof)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	snap := s.chain.Snapshot()
	defer s.closeSnapshot(snap)
	held, err := snap.Block(b.Hash())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header()["Location"] = []string{"/blocks/" + b.Hash().String()}
	answer(w, http.StatusCreated, blockInfo(held, snap.Tip(), nil))
}

// readProof reads what a miner elsewhere has found.
func (s *Server) readProof(o canonical.Object) (parent, root consensus.Hash, proof int64, err error) {
	hash, hasParent := o.Get("parent")
	number, hasProof := o.Get("proof")
	if !hasParent || !hasProof {
		return parent, root, 0, &consensus.MissingError{Keys: []string{"parent", "proof"}}
	}
	text, _ := hash.(string)
	if parent, err = consensus.ParseHash(text); err != nil {
		return parent, root, 0, badRequest("not a hash", "\"parent\" must be 64 lower-case hex digits.", "GET /mining/work has it.")
	}
	if s.chain.Rules().IsSecure() {
		text, _ := number.(string)
		if root, proof, err = consensus.ParseProof(text); err != nil {
			return parent, root, 0, badRequest("not a proof", "\"proof\" must be \"<root>.<nonce>\": 64 lower-case hex digits, a dot, and a decimal number below 2^63.",
				"GET /mining/work has the root.")
		}
		return parent, root, proof, nil
	}
	proof, ok := integer(number)
	if !ok || proof >= consensus.MaxProof {
		return parent, root, 0, badRequest("number out of range", "\"proof\" must be an integer from 0, below 2^53.", "Search from 0 upwards.")
	}
	return parent, root, proof, nil
}

// integer reads a number that is written as an integer from 0.
func integer(v canonical.Value) (int64, bool) {
	number, _ := v.(canonical.Number)
	n, err := strconv.ParseInt(string(number), 10, 64)
	return n, err == nil && n >= 0
}
