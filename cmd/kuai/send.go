package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/wallet"
	"kuai/rpc"
	"kuai/rpc/api"
)

// sentInfo is what 'kuai send' prints.
type sentInfo struct {
	ID      string `json:"id"`
	Message string `json:"message"`
}

// sending are the flags of 'kuai send'.
type sending struct {
	asking
	walletFlags
	passwordFlags
	yes bool
}

func newSend() *cobra.Command {
	var f sending
	c := &cobra.Command{
		Use:   "send SENDER RECIPIENT AMOUNT",
		Short: "Pay RECIPIENT from SENDER",
		Long: "Pay RECIPIENT from SENDER. The payment is pending until a block holds it. On a secure network SENDER and RECIPIENT are addresses\n" +
			"or names of wallets, and a payment is signed: by the node, if it has the sender's unlocked key, else here with the sender's wallet,\n" +
			"whose password is asked for. On a terminal you are asked whether to pay an address that has no name here.",
		Args:        arguments(3, 3),
		Annotations: map[string]string{negative: wantAmount},
	}
	f.asking.bind(c)
	f.bindDir(c)
	f.passwordFlags.bind(c)
	c.Flags().BoolVar(&f.yes, "yes", false, "pay an address that has no name here, or the id of a node, without a question")
	c.RunE = func(c *cobra.Command, words []string) error { return f.run(c, words) }
	return c
}

func (f *sending) run(c *cobra.Command, words []string) error {
	if amount := words[len(words)-1]; !isAmount(amount) {
		return usageError{fmt.Errorf("%q: %s", amount, wantAmount)}
	}
	for _, word := range words[:len(words)-1] {
		if err := checkAddress(word); err != nil {
			return err
		}
	}
	client, err := f.client(c)
	if err != nil {
		return err
	}
	p, err := f.payment(c, client, words)
	if err != nil {
		return f.explain(err)
	}
	ctx, cancel := context.WithTimeout(c.Context(), f.patience())
	defer cancel()
	message, err := client.Pay(ctx, p)
	if err != nil {
		return f.explain(unknownName(err, p.Sender, p.Recipient))
	}
	if f.asking.json {
		return printJSON(c.OutOrStdout(), sentInfo{p.ID, message})
	}
	l := languageFor(c)
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n%s\n", l.format("payment %s", p.ID), l.text(message))
	return err
}

// unknownName returns err, or an error in its place if a node refused one of the words as an address and it is meant as a name.
func unknownName(err error, words ...string) error {
	refused := (*rpc.StatusError)(nil)
	if !errors.As(err, &refused) {
		return err
	}
	for _, word := range words {
		if _, notName := wallet.CheckName(word); notName == nil && strings.Contains(refused.Detail, "address "+canonical.Quote(word)+" has ") {
			return fmt.Errorf("no wallet and no name %s on this machine: 'kuai wallet list' shows them", canonical.Quote(word))
		}
	}
	return err
}

const wantAmount = "want a number above 0, as 5 or 0.25"

// payment returns the payment to send. It has an id, so that it is known whatever becomes of the answer. The node knows names that are
// not known here, and says what is wrong with others.
func (f *sending) payment(c *cobra.Command, client *rpc.Client, words []string) (api.Payment, error) {
	p := api.Payment{Amount: json.Number(words[2]), ID: chain.NewID().String(), Recipient: words[1], Sender: words[0]}
	sender, knowsSender, senderErr := f.lookUp(words[0])
	recipient, knowsRecipient, recipientErr := f.lookUp(words[1])
	damaged := cmp.Or(senderErr, recipientErr)
	if !knowsSender && !knowsRecipient && damaged == nil {
		return p, nil
	}
	n, err := askNode(c, client)
	if err != nil || !isSecure(n) {
		return p, err
	}
	if err := cmp.Or(damaged, ambiguous(n, words[0], sender), ambiguous(n, words[1], recipient)); err != nil {
		return p, err
	}
	if knowsRecipient {
		if err := f.confirm(c, client, n, recipient); err != nil {
			return p, err
		}
		p.Recipient = recipient.Address.String()
	}
	if !knowsSender {
		return p, nil
	}
	p.Sender = sender.Address.String()
	node, err := accountsOf(c, client)
	if err != nil || !sender.HasKey || node.has(p.Sender) {
		return p, err
	}
	p.Recipient = node.address(p.Recipient)
	return f.signed(c, n.Network, p)
}

// confirm warns of a recipient that has no name here, and asks on a terminal whether to pay it: once the node has the payment, it is too late.
// The id of a node looks like an address, and has no wallet.
func (f *sending) confirm(c *cobra.Command, client *rpc.Client, n api.Node, recipient wallet.Entry) error {
	if recipient.Name == "" && !recipient.HasKey && !f.yes {
		if err := notOfNode(c, client, n, recipient.Address.String()); err != nil {
			return err
		}
	}
	if !warnUnnamed(c, recipient) || f.yes || !term.IsTerminal(int(os.Stdin.Fd())) || !isTerminal(c.ErrOrStderr()) {
		return nil
	}
	fmt.Fprint(c.ErrOrStderr(), languageFor(c).text("Pay it? [y/N]")+" ")
	answer := make(chan string, 1)
	go func() { // ends with the process if the question is interrupted
		line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
		answer <- line
	}()
	select {
	case line := <-answer:
		if slices.Contains([]string{"y", "yes", "是"}, strings.ToLower(strings.TrimSpace(line))) {
			return nil
		}
	case <-c.Context().Done():
	}
	return errors.New("nothing was sent")
}

// notOfNode refuses an address that is the id of the node or of one of its peers.
func notOfNode(c *cobra.Command, client *rpc.Client, n api.Node, address string) error {
	ctx, cancel := context.WithTimeout(c.Context(), rpc.DefaultTimeout)
	defer cancel()
	known, err := client.Peers(ctx)
	if err != nil {
		return err
	}
	if address != n.PeerID && !slices.ContainsFunc(known.Peers, func(p api.Peer) bool { return p.ID == address }) {
		return nil
	}
	return fmt.Errorf("%s is the id of a node and not of an account: nobody could spend what it gets. 'kuai status' shows where that node's rewards go; --yes pays the id all the same", address)
}

// ambiguous refuses a name that is a development account of the node's network and means another address on this machine.
func ambiguous(n api.Node, word string, e wallet.Entry) error {
	name := strings.ToLower(word)
	if e.Name != name || !isDev(n.Network) || !slices.Contains(wallet.DevelopmentNames, name) {
		return nil
	}
	account := wallet.DevelopmentKey(name).Address()
	if account == e.Address {
		return nil
	}
	return fmt.Errorf("%q is a development account of this network, %s, and a name on this machine, %s: give the address of the one you mean", name, account, e.Address)
}

// accounts are those whose payments a node signs.
type accounts []api.UnlockedWallet

// accountsOf returns the accounts whose payments the node signs for this client.
func accountsOf(c *cobra.Command, client *rpc.Client) (accounts, error) {
	ctx, cancel := context.WithTimeout(c.Context(), rpc.DefaultTimeout)
	defer cancel()
	list, err := client.Unlocked(ctx)
	if refused := (*rpc.StatusError)(nil); errors.As(err, &refused) {
		err = nil // it signs nothing for strangers
	}
	return list.Wallets, err
}

func (a accounts) has(address string) bool {
	return slices.ContainsFunc(a, func(w api.UnlockedWallet) bool { return w.Address == address })
}

// address returns the address of an account that the node calls by that name, or the name as it is.
func (a accounts) address(name string) string {
	if i := slices.IndexFunc(a, func(w api.UnlockedWallet) bool { return w.Name == name }); i >= 0 {
		return a[i].Address
	}
	return name
}

// signed signs p with the sender's wallet.
func (f *sending) signed(c *cobra.Command, network string, p api.Payment) (api.Payment, error) {
	t, err := newDraft(string(p.Amount), p.ID)
	if err != nil {
		return p, err
	}
	t.Recipient = p.Recipient
	key, err := openWallet(c, &f.walletFlags, &f.passwordFlags, p.Sender)
	if err != nil {
		return p, err
	}
	p.Signature = key.Sign(network, t).Signature.String()
	return p, nil
}

// askNode asks who the node is.
func askNode(c *cobra.Command, client *rpc.Client) (api.Node, error) {
	ctx, cancel := context.WithTimeout(c.Context(), rpc.DefaultTimeout)
	defer cancel()
	return client.Node(ctx)
}

// secureNode is askNode for a node whose network has signed payments.
func secureNode(c *cobra.Command, client *rpc.Client) (api.Node, error) {
	n, err := askNode(c, client)
	if err == nil && !isSecure(n) {
		err = fmt.Errorf("payments of the network %s are not signed: 'kuai send' pays there without a wallet", n.Network)
	}
	return n, err
}

// isAmount reports whether text is a number above 0. The node judges the rest.
func isAmount(text string) bool {
	v, err := canonical.Read([]byte(text))
	if _, ok := v.(canonical.Number); err != nil || !ok {
		return false
	}
	f, err := strconv.ParseFloat(text, 64)
	return err != nil || f > 0
}

// checkAddress refuses what no payment can name.
func checkAddress(name string) error {
	switch {
	case name == "":
		return usageError{errors.New("an address has at least one character")}
	case !utf8.ValidString(name): // JSON would carry another name
		return usageError{fmt.Errorf("address %q: want UTF-8", name)}
	}
	return nil
}
