package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"kuai/chain"
	"kuai/rpc"
)

// sentInfo is what 'kuai send' prints.
type sentInfo struct {
	ID      string `json:"id"`
	Message string `json:"message"`
}

func newSend() *cobra.Command {
	return wordVerb("send SENDER RECIPIENT AMOUNT", "Pay", 3, askSend, func(w io.Writer, s sentInfo) error {
		_, err := fmt.Fprintf(w, "payment %s\n%s\n", s.ID, s.Message)
		return err
	})
}

// askSend draws the payment's id, so that it is known whatever becomes of the answer.
func askSend(ctx context.Context, c *rpc.Client, words []string) (sentInfo, error) {
	if v, err := chain.Read([]byte(words[2])); err != nil || !isNumber(v) {
		return sentInfo{}, usageError{fmt.Errorf("amount %q: want a number, as 5 or 0.25", words[2])}
	}
	for _, name := range words[:2] {
		if !utf8.ValidString(name) { // JSON would carry another name
			return sentInfo{}, usageError{fmt.Errorf("address %q: want UTF-8", name)}
		}
	}
	id := chain.NewID().String()
	message, err := c.Pay(ctx, rpc.PaymentInfo{Amount: json.Number(words[2]), ID: id, Recipient: words[1], Sender: words[0]})
	return sentInfo{id, message}, err
}

func isNumber(v chain.Value) bool {
	_, ok := v.(chain.Number)
	return ok
}
