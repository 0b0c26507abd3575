package main

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"kuai/chain"
	"kuai/chain/consensus"
	"kuai/miner"
	"kuai/p2p"
	"kuai/rpc"
)

// newDaemon makes the verb that runs a node. foreign are the names of the variables that were injected for others.
func newDaemon(foreign []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "daemon",
		Short: "Run a node",
		Long:  "Run a node until SIGINT, SIGTERM, SIGHUP or SIGQUIT. Every flag has a twin in the environment (--http-host: KUAI_HTTP_HOST)\nand in the file that --config names.",
		Args:  arguments(0, 0),
	}
	read := configured(c)
	bannerJSON(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, r, err := read()
		if err != nil {
			return err
		}
		known, err := readSecrets(cfg)
		if err != nil {
			return err
		}
		return runDaemon(c, cfg, r, known, foreign)
	}
	return c
}

// bannerJSON declares the flag that makes the banner JSON.
func bannerJSON(c *cobra.Command) {
	c.Flags().Bool("json", false, "once it is ready, print what node.json says as a line of JSON, in place of the banner")
}

// runDaemon opens the chain and runs a node on it until c's context ends.
func runDaemon(c *cobra.Command, cfg Config, r *consensus.Rules, known secrets, foreign []string) error {
	cfg.lang = languageFor(c)
	cfg.json, _ = c.Flags().GetBool("json")
	log := newTerminalLog(cfg, c.ErrOrStderr())
	if len(foreign) > 0 {
		log.Warn("ignored variables of a Kubernetes service or a container link; enableServiceLinks: false leaves them out", "names", foreign)
	}
	if cfg.Lab {
		cfg.clock = &skewedClock{}
		log.Warn("this node has a lab: every client that may change its state can cut it off, delay its messages and set its clock wrong")
	}
	if cfg.teacher() != nil {
		log.Warn("this node has a lab and agrees that its teacher's node puts it on a side of a split network: the invitation says so; without --lab it does not")
	}
	return withChain(cfg, r, log.Logger, func(held *chain.Chain) error {
		return stopped(c.Context(), daemon(c.Context(), cfg, known, held, c.OutOrStdout(), log))
	})
}

// daemon runs a node on the chain c until ctx ends. It is all of the wiring: what is made first is closed last.
func daemon(ctx context.Context, cfg Config, known secrets, c *chain.Chain, out io.Writer, log nodeLog) error {
	metrics := prometheus.NewRegistry()
	netCfg, err := networkConfig(cfg, known.swarmKey, metrics)
	if err != nil {
		return err
	}
	local := newLocalNodes(cfg, c.Rules().Network(), log.Logger)
	netCfg.Local = local.list
	netCfg.AskURL = codePeers{codeURLs(cfg.joined), known.swarmKey, netCfg.AskURL}.ask

	lns, profiles, err := openListeners(ctx, cfg)
	if err != nil {
		return err
	}
	defer closeAll(lns)
	defer closeAll(profiles)

	n, err := p2p.New(netCfg, c, log.Logger)
	if err != nil {
		return err
	}

	token, forget, err := apiToken(cfg, known.token)
	if err != nil {
		return err
	}
	defer forget()

	m, keys, err := newMiner(&cfg, c, n.ID(), log.Logger)
	if err != nil {
		return err
	}
	metrics.MustRegister(append(miningMetrics(m), poolMetrics(c)...)...)
	serverCfg := serverConfig(cfg, token, known.webhook, metrics)
	serverCfg.LogLevel = log.level
	serverCfg.Invite = inviter(cfg, c.Rules(), known.swarmKey, n)
	serverCfg.Lab = labOf(cfg, n)
	serverCfg.Chinese = language{zh: true}.text
	if keys != nil {
		serverCfg.Keys, serverCfg.Rewards = keys, cfg.rewards
	}
	shown := newNetwork(n)
	s := rpc.New(serverCfg, c, shown, mining{m}, log.Logger)
	if keys != nil { // a secure network
		metrics.MustRegister(paceMetrics(s.Pace)...)
	}

	gone, err := announce(out, cfg, describeNode(c, n, lns), c.Tip().Index)
	if err != nil {
		return err
	}
	defer gone()
	defer local.enter(n, urls(lns))()

	g, running := errgroup.WithContext(ctx)
	g.Go(func() error { return n.Run(running) })
	g.Go(func() error { return m.Run(running) })
	g.Go(func() error { return shown.meter.run(running, log.line) })
	g.Go(func() error { return s.Serve(running, lns...) })
	g.Go(func() error { return newNotifier(cfg.BlockNotify, c, log.Logger).run(running) })
	g.Go(func() error { return servePprof(running, profiles, log.Logger) })
	return g.Wait()
}

// newMiner returns the node's miner and, on a secure network, the keys that the node signs with. It notes in cfg who gets the rewards.
func newMiner(cfg *Config, c *chain.Chain, nodeID string, log *slog.Logger) (m *miner.Miner, keys *keyring, err error) {
	mode, err := miner.ParseMode(cfg.Mine)
	if err != nil {
		return nil, nil, err
	}
	if c.Rules().IsSecure() {
		keys = newKeyring(c.Rules())
	}
	if cfg.rewards, err = rewardAddress(*cfg, keys, nodeID, log); err != nil {
		return nil, nil, err
	}
	return miner.New(c, cfg.rewards, miner.Options{Mode: mode, Cores: cfg.MineCores, Share: cfg.MineShare}, log), keys, nil
}

// stopped returns err unless a signal caused it: a stop by signal is not a failure, even in the middle of the start.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
