package rpc

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"

	"kuai/chain/canonical"
	"kuai/chain/consensus"
)

// mining is GET /mining: what the miner is at.
func (s *Server) mining(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.miningJSON())
}

func (s *Server) miningJSON() object {
	m := s.miner.Status()
	return object{
		"blocks": int64(m.Blocks), "callers": m.Callers, "cores": m.Cores, "expected": expected(m), "mode": m.Mode,
		"rate": m.Rate, "searching": m.Searching, "share": m.Share, "stale": int64(m.Stale), "total": int64(m.Total), "tries": int64(m.Tries),
	}
}

// expected is the mean time to a block in seconds, null while the rate is unknown.
func expected(m MinerStatus) any {
	if m.Expected <= 0 {
		return nil
	}
	return m.Expected.Seconds()
}

// progress is the mining event: with figures while a search runs.
func progress(m MinerStatus) object {
	o := object{"mode": m.Mode, "searching": m.Searching}
	if m.Searching {
		o["tries"], o["rate"], o["expected"] = int64(m.Tries), m.Rate, expected(m)
	}
	return o
}

// setMining is POST /mining: {"mode"}, {"cores"}, {"share"} or several of them. Where one is refused nothing changes.
func (s *Server) setMining(w http.ResponseWriter, r *http.Request) {
	o, err := readObject(w, r, `{"mode": "instant"}`)
	if err == nil {
		err = s.switchMining(o)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, s.miningJSON())
}

// maxCores is more than any machine has; a search takes a goroutine for each.
const maxCores = 1024

func (s *Server) switchMining(o canonical.Object) error {
	mode, hasMode := o.Get("mode")
	cores, hasCores, err := whole(o, "cores", 0, maxCores, "0 stands for all cores.")
	if err != nil {
		return err
	}
	share, hasShare, err := whole(o, "share", 1, 100, "It is a percentage of the cores' time.")
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

// whole reads an integer between low and high, where the object has that key.
func whole(o canonical.Object, key string, low, high int64, hint string) (value int, has bool, err error) {
	v, has := o.Get(key)
	n, isInteger := integer(v)
	if has && (!isInteger || n < low || n > high) {
		return 0, true, badRequest("number out of range", fmt.Sprintf("%q must be an integer from %d to %d.", key, low, high), hint)
	}
	return int(n), has, nil
}

// work is GET /mining/work: all that a miner elsewhere needs. A proof is right where the SHA-256 of text.before, the proof in decimal
// and text.after starts with that many hex zeros. The transactions are those that a block would hold now; the proof does not cover them.
func (s *Server) work(w http.ResponseWriter, _ *http.Request) {
	t, rules := s.miner.Work(), s.chain.Rules()
	list := make([]compact, 0, len(t.Transactions)+1)
	for _, tx := range t.Transactions {
		list = append(list, transactionJSON(tx))
	}
	reward := consensus.Transaction{Sender: consensus.RewardSender, Recipient: s.network.ID(), Amount: rules.Reward}
	list = append(list, transactionJSON(reward))
	parent := t.Parent
	answer(w, http.StatusOK, object{
		"id":           workID(parent, list),
		"index":        parent.Index + 1,
		"parent":       object{"hash": parent.Hash, "index": parent.Index, "proof": parent.Proof},
		"text":         object{"after": parent.Hash, "before": strconv.FormatInt(parent.Proof, 10)},
		"transactions": list,
		"zeros":        rules.Zeros,
	})
}

// workID names the work: another parent or another transaction makes another one.
func workID(parent consensus.Header, list []compact) string {
	sum := sha256.Sum256(appendJSON(parent.Hash[:], list))
	return hex.EncodeToString(sum[:16])
}

// submit is POST /mining/submit: a proof that was found elsewhere becomes a block. It is on disk before the answer is sent.
func (s *Server) submit(w http.ResponseWriter, r *http.Request) {
	o, err := readObject(w, r, `{"parent": "hash of GET /mining/work", "proof": 35293}`)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	parent, proof, err := found(o)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	b, err := s.miner.Submit(parent, proof)
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
	answer(w, http.StatusCreated, view(held, snap.Tip()))
}

// found reads what a miner elsewhere has found.
func found(o canonical.Object) (parent consensus.Hash, proof int64, err error) {
	hash, hasParent := o.Get("parent")
	number, hasProof := o.Get("proof")
	if !hasParent || !hasProof {
		return parent, 0, &consensus.MissingError{Keys: []string{"parent", "proof"}}
	}
	text, _ := hash.(string)
	if parent, err = consensus.ParseHash(text); err != nil {
		return parent, 0, badRequest("not a hash", "\"parent\" must be 64 lower-case hex digits.", "GET /mining/work has it.")
	}
	proof, ok := integer(number)
	if !ok || proof >= consensus.MaxProof {
		return parent, 0, badRequest("number out of range", "\"proof\" must be an integer from 0, below 2^53.", "Search from 0 upwards.")
	}
	return parent, proof, nil
}

// integer reads a number that is written as an integer from 0.
func integer(v canonical.Value) (int64, bool) {
	number, _ := v.(canonical.Number)
	n, err := strconv.ParseInt(string(number), 10, 64)
	return n, err == nil && n >= 0
}
