package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"kuai/chain"
	"kuai/chain/canonical"
	"kuai/rpc"
	"kuai/rpc/api"
)

// sentInfo is what 'kuai send' prints.
type sentInfo struct {
	ID      string `json:"id"`
	Message string `json:"message"`
}

func newSend() *cobra.Command {
	c := wordVerb("send SENDER RECIPIENT AMOUNT", "Pay RECIPIENT from SENDER", 3, askSend, func(w io.Writer, s sentInfo) error {
		_, err := fmt.Fprintf(w, "payment %s\n%s\n", s.ID, s.Message)
		return err
	})
	c.Annotations = map[string]string{negative: wantAmount}
	return c
}

const wantAmount = "want a number above 0, as 5 or 0.25"

// askSend draws the payment's id, so that it is known whatever becomes of the answer.
func askSend(ctx context.Context, c *rpc.Client, words []string) (sentInfo, error) {
	if !isAmount(words[2]) {
		return sentInfo{}, usageError{fmt.Errorf("%q: %s", words[2], wantAmount)}
	}
	if err := errors.Join(checkAddress(words[0]), checkAddress(words[1])); err != nil {
		return sentInfo{}, err
	}
	id := chain.NewID().String()
	message, err := c.Pay(ctx, api.Payment{Amount: json.Number(words[2]), ID: id, Recipient: words[1], Sender: words[0]})
	return sentInfo{id, message}, err
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
