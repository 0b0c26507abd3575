package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"

	"kuai/rpc"
)

// requestWords are in hints that tell how to send another request, which a verb does by itself.
var requestWords = regexp.MustCompile(`\b(GET|POST|DELETE|PUT) /|[Hh]eader|curl|\{"`)

// explain turns what went wrong between a verb and its node into words of the command line.
func (a *asking) explain(err error) error {
	var refused *rpc.StatusError
	var broken *net.OpError
	switch {
	case errors.As(err, &refused):
		return a.refusal(refused)
	case errors.Is(err, context.Canceled):
		return errors.New("stopped before the node answered")
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the node at %s gave no answer within %v", a.api, a.patience())
	case errors.As(err, &broken) && broken.Op == "dial":
		return fmt.Errorf("no node answers at %s (%w): start one with 'kuai daemon', or name another by -p or --api", a.api, broken.Err)
	}
	return err
}

func (a *asking) refusal(e *rpc.StatusError) error {
	switch {
	case e.Title == "":
		return fmt.Errorf("%s answers %d %s, which a kuai node does not: another program has that port", a.api, e.Status, http.StatusText(e.Status))
	case e.Status == http.StatusUnauthorized && a.tokenFile == "":
		return errors.New("this node asks for its token: name the file that holds it by --api-token-file, or your node's directory by --data-dir")
	case e.Status == http.StatusUnauthorized:
		return fmt.Errorf("the token in %s is not this node's", a.tokenFile)
	case e.Status == http.StatusForbidden:
		return fmt.Errorf("the node refuses requests to %s: use its IP address, or start it with --allow-host and that name", a.api)
	case requestWords.MatchString(e.Hint):
		return errors.New(e.Detail)
	}
	return e
}
