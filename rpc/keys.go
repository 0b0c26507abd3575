package rpc

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"kuai/chain/canonical"
	"kuai/chain/consensus"
	"kuai/rpc/api"
)

// Keys are the accounts that the node signs payments of. All methods may be called from any goroutine.
type Keys interface {
	// Named returns the address of an account that the node knows by name: its own for rewards, and development accounts.
	Named(name string) (address string, ok bool)
	// Sign fills in t's signature, for the network with that id. ok is false if the key of its sender is not unlocked.
	Sign(network string, t consensus.Transaction) (signed consensus.Transaction, ok bool)
	// Unlock keeps the key with that seed until then. An error wraps ErrKeysFull if no more are kept.
	Unlock(seed [SeedBytes]byte, until time.Time) (address string, err error)
	// Lock forgets a key. ok is false if it was not unlocked.
	Lock(address string) (ok bool)
	// Unlocked lists the accounts, those with a name first.
	Unlocked() []UnlockedKey
}

// UnlockedKey is an account that the node signs payments of.
type UnlockedKey struct {
	Address string
	Name    string    // of the node's own account or a development account, "" else
	Until   time.Time // zero: until the node stops
}

// SeedBytes is the length of a key's seed.
const SeedBytes = 32

// ErrKeysFull is wrapped by Keys.Unlock.
var ErrKeysFull = errors.New("too many keys are unlocked")

// Bounds of how long a key stays unlocked.
const (
	usualUnlock = 10 * time.Minute
	maxUnlock   = 24 * time.Hour
)

// secureOnly stands before what only a secure network has.
func (s *Server) secureOnly(handle http.HandlerFunc) http.HandlerFunc {
	if s.chain.Rules().IsSecure() {
		return handle
	}
	return func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, notFound("This node's network is a classic one: its payments are not signed, and its proofs do not cover them.",
			"Start a node with --network secure or --network dev."))
	}
}

// keysOnly stands before what handles keys: on a secure network, for this machine or who holds the token.
func (s *Server) keysOnly(handle http.HandlerFunc) http.HandlerFunc {
	return s.secureOnly(func(w http.ResponseWriter, r *http.Request) {
		if err := s.mayUseKeys(r); err != nil {
			s.fail(w, r, err)
			return
		}
		handle(w, r)
	})
}

// mayUseKeys returns why the client may not use the node's keys, nil if it may.
func (s *Server) mayUseKeys(r *http.Request) error {
	switch {
	case s.cfg.Keys == nil:
		return notFound("This node keeps no keys.", "Sign the payment elsewhere: kuai wallet sign, or kuai send.")
	case s.cfg.Token == "" && !isLocal(r), s.cfg.Token != "" && !s.holdsToken(r):
		return &problem{status: http.StatusForbidden, title: "keys refused",
			detail: "This node signs payments for its own machine, or for those who hold its token.",
			hint:   "Sign the payment elsewhere: kuai send does.", token: s.cfg.Token != ""}
	}
	return nil
}

// unlocked is GET /wallets.
func (s *Server) unlocked(w http.ResponseWriter, _ *http.Request) {
	list := api.UnlockedWallets{}
	for _, k := range s.cfg.Keys.Unlocked() {
		list.Wallets = append(list.Wallets, api.UnlockedWallet{Address: k.Address, Name: k.Name, Until: k.Until})
	}
	answer(w, http.StatusOK, list)
}

// unlock is POST /wallets/unlock. What it answers never quotes the body, which holds a secret.
func (s *Server) unlock(w http.ResponseWriter, r *http.Request) {
	seed, lasting, err := readSeed(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	until := time.Now().Add(lasting)
	address, err := s.cfg.Keys.Unlock(seed, until)
	if errors.Is(err, ErrKeysFull) {
		err = &problem{status: http.StatusConflict, title: "too many keys", detail: "Too many keys are unlocked.", hint: "Lock one with kuai wallet lock, or wait until its time is over."}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, api.UnlockedWallet{Address: address, Until: until})
}

func readSeed(w http.ResponseWriter, r *http.Request) (seed [SeedBytes]byte, lasting time.Duration, err error) {
	body, err := readBody(w, r)
	if err != nil {
		if problemOf(err).status == http.StatusRequestEntityTooLarge {
			return seed, 0, err
		}
		return seed, 0, errSeed
	}
	v, err := canonical.Read(body)
	o, _ := v.(canonical.Object)
	text, _ := o.Get("seed")
	digits, _ := text.(string)
	if err != nil || len(digits) != hex.EncodedLen(len(seed)) || !canonical.DecodeHex(seed[:], digits) {
		return seed, 0, errSeed
	}
	seconds, has, err := optionalInteger(o, "seconds", 1, int64(maxUnlock/time.Second), "A key stays unlocked for a day at most.")
	if !has {
		return seed, usualUnlock, err
	}
	return seed, time.Duration(seconds) * time.Second, err
}

var errSeed = badRequest("no seed", "The body is not a JSON object with a seed of 64 lower-case hex digits.", "Use kuai wallet unlock NAME, which sends it.")

// lock is DELETE /wallets/{address}.
func (s *Server) lock(w http.ResponseWriter, r *http.Request) {
	address := r.PathValue("address")
	switch {
	case s.cfg.Keys.Lock(address):
		w.WriteHeader(http.StatusNoContent)
	case slices.ContainsFunc(s.cfg.Keys.Unlocked(), func(k UnlockedKey) bool { return k.Address == address }):
		s.fail(w, r, &problem{status: http.StatusConflict, title: "key stays unlocked", detail: "The node keeps this key unlocked while it runs.",
			hint: "To lock the wallet for rewards, move password.txt away, which lies beside it, and restart the node."})
	default:
		s.fail(w, r, notFound("No key of that address is unlocked.", "GET /wallets lists those that are."))
	}
}

// readPayment reads a payment from a body. On a secure network one without a signature is signed, if the client may use its sender's key.
func (s *Server) readPayment(r *http.Request, body []byte, id consensus.ID) (consensus.Payment, error) {
	rules := s.chain.Rules()
	if !rules.IsSecure() {
		return rules.ReadPayment(body, id)
	}
	body, signed := s.replaceNames(body)
	if signed {
		return rules.ReadPayment(body, id)
	}
	t, err := rules.ReadUnsigned(body, id)
	if err != nil {
		return consensus.Payment{}, err
	}
	if err := s.mayUseKeys(r); err != nil {
		return consensus.Payment{}, err
	}
	t, ok := s.cfg.Keys.Sign(s.networkID, t)
	if !ok {
		return consensus.Payment{}, badRequest("not signed",
			fmt.Sprintf("The payment has no signature, and this node does not hold the unlocked key of %s.", t.Sender),
			fmt.Sprintf("Run kuai send %s %s %s%s where its wallet is, or kuai wallet unlock %s%s and send it again.", t.Sender, t.Recipient, t.Amount, toThisNode(r), t.Sender, toThisNode(r)))
	}
	return rules.NewPayment(t)
}

// usualPort is the one that kuai's commands ask without -p.
const usualPort = "5000"

// toThisNode returns the flag that leads kuai's commands to the node as the client reached it, "" if they find it without one.
func toThisNode(r *http.Request) string {
	host, port, err := net.SplitHostPort(r.Host)
	ip, isIP := parseIP(host)
	switch isHere := host == "localhost" || isIP && ip.IsLoopback(); {
	case r.Host == "", isHere && port == usualPort:
		return ""
	case err == nil && isHere:
		return " -p " + port
	}
	return " --api " + r.Host
}

// overdraft says what the sender of a payment has, which is too little.
func (s *Server) overdraft(r *http.Request, p consensus.Payment, err error) error {
	t := p.Transaction()
	sender, addressErr := consensus.ParseAddress(t.Sender)
	if addressErr != nil {
		return err
	}
	has, spendable, balanceErr := s.chain.Balance(sender)
	if balanceErr != nil {
		return balanceErr
	}
	detail := fmt.Sprintf("%s has %d, and pays %s.", t.Sender, has, t.Amount)
	if spendable < has {
		detail = fmt.Sprintf("%s has %d, of which %d are in pending payments. That leaves %d, and it pays %s.", t.Sender, has, has-spendable, spendable, t.Amount)
	}
	return badRequest("balance too small", detail, "Pay less, or wait until a payment to the sender is mined: kuai balance "+t.Sender+toThisNode(r)+" shows what it has.")
}

// spendable is what an address can still pay, "" on a classic network.
func (s *Server) spendable(address string) (string, error) {
	if !s.chain.Rules().IsSecure() {
		return "", nil
	}
	a, err := consensus.ParseAddress(address)
	if err != nil {
		return "", err
	}
	_, left, err := s.chain.Balance(a)
	return strconv.FormatInt(left, 10), err
}

// addressOf returns the address that a name of this network stands for, or text as it is.
func (s *Server) addressOf(text string) string {
	if s.cfg.Keys != nil && s.chain.Rules().IsSecure() {
		if address, known := s.cfg.Keys.Named(text); known {
			return address
		}
	}
	return text
}

// replaceNames writes addresses for names that this network knows, and reports whether the payment has a signature. What it cannot read
// stays as it is.
func (s *Server) replaceNames(body []byte) (text []byte, signed bool) {
	v, err := canonical.Read(body)
	o, ok := v.(canonical.Object)
	if err != nil || !ok {
		return body, false
	}
	replaced := false
	for i, m := range o {
		switch name, isText := m.Value.(string); {
		case m.Key == "signature":
			signed = true
		case isText && (m.Key == "sender" || m.Key == "recipient"):
			if address := s.addressOf(name); address != name {
				o[i].Value, replaced = address, true
			}
		}
	}
	if replaced {
		body = canonical.AppendValue(nil, o)
	}
	return body, signed
}
