package main

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/spf13/cobra"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/chain/consensus"
	"kuai/chain/wallet"
)

// networkFlag names the network that a signature is for.
type networkFlag struct{ id string }

func (f *networkFlag) bind(c *cobra.Command) {
	c.Flags().StringVar(&f.id, "network-id", "", "`id` of the network that the signature is for, as 0123456789abcdef-2 (required)")
}

var networkID = regexp.MustCompile(`^[0-9a-f]{16}-[1-9][0-9]{0,8}$`)

func (f *networkFlag) check() error {
	if !networkID.MatchString(f.id) {
		return usageError{fmt.Errorf("--network-id %s: want the id of a network, as 0123456789abcdef-2", canonical.Quote(f.id))}
	}
	return nil
}

func newWalletSign() *cobra.Command {
	var f walletFlags
	var p passwordFlags
	var n networkFlag
	var id string
	c := &cobra.Command{
		Use:   "sign SENDER RECIPIENT AMOUNT",
		Short: "Sign a payment with a wallet, and print it",
		Long: "Sign a payment with the wallet of SENDER, and print it in canonical form. Nothing is sent. SENDER and RECIPIENT are names or\n" +
			"addresses. The signature is valid on the network with that id only; the payment's own id keeps it from being sent twice.",
		Example:     "  kuai wallet sign alice bob 5 --network-id 0123456789abcdef-2 > payment.json",
		Args:        arguments(3, 3),
		Annotations: map[string]string{negative: wantWhole},
	}
	f.bind(c)
	p.bind(c)
	n.bind(c)
	c.Flags().StringVar(&id, "id", "", "`id` of the payment, 32 hex digits (default: a random one)")
	c.RunE = func(c *cobra.Command, args []string) error {
		payment, err := draftPayment(c, &f, args[1], args[2], id)
		if err == nil {
			err = n.check()
		}
		if err != nil {
			return err
		}
		key, err := openWallet(c, &f, &p, args[0])
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", key.Sign(n.id, payment).AppendCanonical(nil))
		return err
	}
	return c
}

const wantWhole = "want a whole number from 1 to 9007199254740991"

// draftPayment reads the parts of a payment that its signer chooses. It warns of a recipient who has no name here.
func draftPayment(c *cobra.Command, f *walletFlags, recipient, amount, id string) (p consensus.Transaction, err error) {
	if p, err = newDraft(amount, id); err != nil {
		return p, err
	}
	w, err := f.wallets()
	if err != nil {
		return p, err
	}
	e, err := find(w, recipient)
	if err == nil {
		warnUnnamed(c, e)
	}
	p.Recipient = e.Address.String()
	return p, err
}

// newDraft returns a payment without sender, recipient and signature. Its id is a random one if it is not given.
func newDraft(amount, id string) (p consensus.Transaction, err error) {
	n, err := strconv.ParseInt(amount, 10, 64)
	if err != nil || n < 1 || n > consensus.MaxAmount {
		return p, usageError{fmt.Errorf("%q: %s", amount, wantWhole)}
	}
	p.Amount, p.ID, p.HasID = canonical.Number(strconv.FormatInt(n, 10)), chain.NewID(), true
	if id != "" {
		if p.ID, err = consensus.ParseID(id); err != nil {
			return p, usageError{fmt.Errorf("--id: %w", err)}
		}
	}
	return p, nil
}

// warnUnnamed warns of a recipient that has no name here, and reports whether it did.
func warnUnnamed(c *cobra.Command, e wallet.Entry) (warned bool) {
	if e.Name != "" || e.HasKey {
		return false
	}
	fmt.Fprintln(c.ErrOrStderr(), languageFor(c).text(fmt.Sprintf("The recipient has no name here. An address has no checksum: check every character, then name it with 'kuai wallet name %s NAME'.", e.Address)))
	return true
}

func newWalletVerify() *cobra.Command {
	var f walletFlags
	var n networkFlag
	c := &cobra.Command{
		Use:     "verify FILE",
		Short:   "Check the signature of a payment",
		Long:    "Check the form and the signature of the payment in FILE (- for standard input). Needs no wallet. Exit code 1: it is not valid.",
		Example: "  kuai wallet verify payment.json --network-id 0123456789abcdef-2",
		Args:    arguments(1, 1),
	}
	f.bind(c)
	n.bind(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := n.check(); err != nil {
			return err
		}
		text, err := readSmallText(args[0], consensus.ClassicTransactionBytes)
		if err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		p, err := readSigned(text)
		if err == nil {
			err = p.CheckSignature(n.id)
		}
		if err != nil {
			return err
		}
		return f.printVerified(c, p)
	}
	return c
}

// readSigned reads a payment in any spelling.
func readSigned(text []byte) (consensus.Transaction, error) {
	v, err := canonical.Read(text)
	if err != nil {
		return consensus.Transaction{}, err
	}
	return consensus.ParseSigned(canonical.AppendValue(nil, v))
}

// verifiedInfo is what 'kuai wallet verify' prints.
type verifiedInfo struct {
	Amount        int64  `json:"amount"`
	ID            string `json:"id"`
	Recipient     string `json:"recipient"`
	RecipientName string `json:"recipient_name,omitempty"`
	Sender        string `json:"sender"`
	SenderName    string `json:"sender_name,omitempty"`
}

func (f *walletFlags) printVerified(c *cobra.Command, p consensus.Transaction) error {
	w, err := f.wallets()
	if err != nil {
		return err
	}
	amount, _ := p.Amount.Int()
	i := verifiedInfo{Amount: amount, ID: p.ID.String(), Recipient: p.Recipient, RecipientName: nameOf(w, p.Recipient),
		Sender: p.Sender, SenderName: nameOf(w, p.Sender)}
	if f.json {
		return printJSON(c.OutOrStdout(), i)
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "valid\namount     %d\nsender     %s\nrecipient  %s\nid         %s\n", i.Amount,
		withName(i.Sender, i.SenderName), withName(i.Recipient, i.RecipientName), i.ID)
	return err
}

// nameOf returns what an address is called here, "" if it has no name.
func nameOf(w wallet.Wallets, address string) string {
	e, err := w.Find(address)
	if err != nil {
		return "" // names are for show
	}
	return e.Name
}

func withName(address, name string) string {
	if name == "" {
		return address
	}
	return address + " (" + name + ")"
}
