package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"kuai/chain/consensus"
	"kuai/rpc/api"
)

const (
	usualUnlock = 10 * time.Minute
	maxUnlock   = 24 * time.Hour
)

func newWalletUnlock() *cobra.Command {
	var a asking
	var f walletFlags
	var p passwordFlags
	var lasting time.Duration
	c := &cobra.Command{
		Use:   "unlock NAME|ADDRESS",
		Short: "Let a running node sign the payments of a wallet, for some time",
		Long: "Let a running node sign the payments of a wallet, for some time. The node keeps the key in memory only. Until the time is over,\n" +
			"everybody on this machine, or who has the node's token, pays from the account with 'kuai send' or POST /transactions/new.\n" +
			"'kuai send' signs a single payment without that.",
		Example: "  kuai wallet unlock alice --for 10m",
		Args:    arguments(1, 1),
	}
	a.bind(c)
	f.bindDir(c)
	p.bind(c)
	c.Flags().DurationVar(&lasting, "for", usualUnlock, "how long, at most 24h")
	c.RunE = func(c *cobra.Command, args []string) error {
		if lasting < time.Second || lasting > maxUnlock {
			return usageError{fmt.Errorf("--for %s: want 1s to 24h", lasting)}
		}
		client, err := a.client(c)
		if err != nil {
			return err
		}
		if err := onlyHere(a.api); err != nil {
			return err
		}
		if _, err := secureNode(c, client); err != nil { // before a password is asked for
			return a.explain(err)
		}
		key, err := openWallet(c, &f, &p, args[0])
		if err != nil {
			return err
		}
		seed := key.Seed()
		u, err := client.Unlock(c.Context(), api.Unlock{Seed: hex.EncodeToString(seed[:]), Seconds: int(lasting / time.Second)})
		if err != nil {
			return a.explain(err)
		}
		if a.json {
			return printJSON(c.OutOrStdout(), u)
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), languageFor(c).text(fmt.Sprintf("%s is unlocked until %s", u.Address, u.Until.Local().Format(time.TimeOnly))))
		return err
	}
	return c
}

// onlyHere refuses to send a key where others could read it on its way.
func onlyHere(api string) error {
	u, err := url.Parse(api)
	if err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		return errors.New("the key would cross the network in clear: unlock it on the node's own machine, or use 'kuai send' here")
	}
	return err
}

func newWalletLock() *cobra.Command {
	var a asking
	var f walletFlags
	c := &cobra.Command{
		Use:     "lock NAME|ADDRESS",
		Short:   "Let a running node forget the key of a wallet that was unlocked",
		Example: "  kuai wallet lock alice",
		Args:    arguments(1, 1),
	}
	a.bind(c)
	f.bindDir(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		client, err := a.client(c)
		if err != nil {
			return err
		}
		w, err := f.wallets()
		if err != nil {
			return err
		}
		e, err := find(w, args[0])
		if err != nil {
			return err
		}
		if err := client.Lock(c.Context(), e.Address.String()); err != nil {
			return a.explain(err)
		}
		if a.json {
			return printJSON(c.OutOrStdout(), map[string]string{"address": e.Address.String()})
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), languageFor(c).text(fmt.Sprintf("%s is locked", e.Address)))
		return err
	}
	return c
}

// isSecure reports whether a node's network has signed payments.
func isSecure(n api.Node) bool { return n.Profile == string(consensus.ProfileSecure) }
