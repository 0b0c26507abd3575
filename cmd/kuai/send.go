package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/spf13/cobra"

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
	from string
}

func newSend() *cobra.Command {
	var f sending
	c := &cobra.Command{
		Use:   "send SENDER RECIPIENT AMOUNT",
		Short: "Pay RECIPIENT from SENDER",
		Long: "Pay RECIPIENT from SENDER. The payment is pending until a block holds it. On a secure network SENDER and RECIPIENT are addresses\n" +
			"or names of wallets, and a payment is signed: by the node, if it has the sender's unlocked key, or here by the wallet --from, which\n" +
			"takes the place of SENDER.",
		Annotations: map[string]string{negative: wantAmount},
	}
	c.Args = func(c *cobra.Command, words []string) error {
		if f.from != "" {
			return arguments(2, 2)(c, words)
		}
		return arguments(3, 3)(c, words)
	}
	f.asking.bind(c)
	f.bindDir(c)
	f.passwordFlags.bind(c)
	c.Flags().StringVar(&f.from, "from", "", "sign with the wallet of this `name` or address, on a secure network")
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
		return f.explain(err)
	}
	if f.asking.json {
		return printJSON(c.OutOrStdout(), sentInfo{p.ID, message})
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "payment %s\n%s\n", p.ID, message)
	return err
}

const wantAmount = "want a number above 0, as 5 or 0.25"

// payment returns the payment to send. It has an id, so that it is known whatever becomes of the answer.
func (f *sending) payment(c *cobra.Command, client *rpc.Client, words []string) (api.Payment, error) {
	if f.from != "" {
		return f.signed(c, client, words[0], words[1])
	}
	p := api.Payment{Amount: json.Number(words[2]), ID: chain.NewID().String(), Recipient: words[1], Sender: words[0]}
	ctx, cancel := context.WithTimeout(c.Context(), rpc.DefaultTimeout)
	defer cancel()
	sender, err := f.resolveName(ctx, client, p.Sender)
	if err != nil {
		return p, err
	}
	p.Recipient, err = f.resolveName(ctx, client, p.Recipient)
	p.Sender = sender
	return p, err
}

// resolveName returns the address that is called name here, if the node's network is a secure one. On a classic network a name is an address.
func (f *walletFlags) resolveName(ctx context.Context, client *rpc.Client, name string) (string, error) {
	address := f.addressOf(name)
	if address == name {
		return name, nil
	}
	n, err := client.Node(ctx)
	if err != nil || !isSecure(n) {
		return name, err
	}
	return address, nil
}

// signed signs a payment with the wallet --from.
func (f *sending) signed(c *cobra.Command, client *rpc.Client, recipient, amount string) (p api.Payment, err error) {
	n, err := secureNode(c, client)
	if err != nil {
		return p, err
	}
	if isDev(n.Network) && slices.Contains(wallet.DevelopmentNames, recipient) && f.addressOf(recipient) == recipient {
		recipient = wallet.DevelopmentKey(recipient).Address().String()
	}
	draft, err := draftPayment(c, &f.walletFlags, recipient, amount, "")
	if err != nil {
		return p, err
	}
	key, err := openWallet(c, &f.walletFlags, &f.passwordFlags, f.from)
	if err != nil {
		return p, err
	}
	t := key.Sign(n.Network, draft)
	return api.Payment{Amount: json.Number(t.Amount), ID: t.ID.String(), Recipient: t.Recipient, Sender: t.Sender, Signature: t.Signature.String()}, nil
}

// addressOf returns the address that is called name here, or name as it is: the node may know it.
func (f *walletFlags) addressOf(name string) string {
	w, err := f.wallets()
	if err != nil {
		return name
	}
	if e, err := w.Find(name); err == nil {
		return e.Address.String()
	}
	return name
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
		err = fmt.Errorf("payments of the network %s are not signed: use 'kuai send SENDER RECIPIENT AMOUNT' there, without a wallet", n.Network)
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
