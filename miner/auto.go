package miner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"kuai/chain"
	"kuai/chain/consensus"
)

const (
	// gather is how long instant waits after a payment, so that a burst shares one block.
	gather = 50 * time.Millisecond

	// pause is how long the automatic modes wait after a failure, so that a full disk does not fill the log.
	pause = time.Second
)

// Mode returns when the miner mines without being asked.
func (m *Miner) Mode() Mode {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mode
}

// SetMode changes when the miner mines without being asked. An automatic search of the old mode ends; callers of Mine notice
// nothing. It refuses an interval that is not above zero.
func (m *Miner) SetMode(mode Mode) error {
	if mode.kind == interval && mode.every <= 0 {
		return fmt.Errorf("mining mode %v: the interval must be above zero", mode)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if mode == m.mode {
		return nil
	}
	m.log.Info("mining mode changed", "from", m.mode, "to", mode)
	m.mode = mode
	if m.endMode != nil {
		m.endMode()
	}
	return nil
}

// SetCores changes how many cores a search uses, 0 or less for all. A search that runs already stays as it is.
func (m *Miner) SetCores(n int) {
	m.cores.Store(int64(cmp.Or(max(n, 0), runtime.GOMAXPROCS(0))))
}

// SetShare changes how much of the cores' time a search uses, in percent; what is not between 1 and 99 stands for all. A search that runs
// already stays as it is.
func (m *Miner) SetShare(percent int) {
	if percent < 1 {
		percent = 100
	}
	m.share.Store(int64(min(percent, 100)))
}

// Run mines as the mode says until ctx ends. It returns nil then; a failure to mine is logged and tried again.
func (m *Miner) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		inMode, end := context.WithCancel(ctx)
		m.follow(inMode, m.enter(end))
		end()
	}
	return nil
}

// enter returns the mode; SetMode will call end.
func (m *Miner) enter(end context.CancelFunc) Mode {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endMode = end
	return m.mode
}

// follow mines whenever a block is due, until ctx ends.
func (m *Miner) follow(ctx context.Context, mode Mode) {
	for m.due(ctx, mode) {
		m.mineUnasked(ctx)
	}
}

// due waits until mode asks for a block. False when ctx ends.
func (m *Miner) due(ctx context.Context, mode Mode) bool {
	switch mode.kind {
	case instant:
		return m.payment(ctx)
	case interval:
		return m.quiet(ctx, mode.every)
	case continuous:
		return ctx.Err() == nil
	}
	<-ctx.Done()
	return false
}

// mineUnasked mines one block on the present tip. It gives up where another block comes first.
func (m *Miner) mineUnasked(ctx context.Context) {
	if m.takeTurn(ctx) != nil {
		return
	}
	_, err := m.extend(ctx)
	m.endTurn()
	behind := errors.As(err, new(*consensus.ClockError))
	told := m.behind
	m.behind = behind
	if err == nil || errors.Is(err, chain.ErrStale) || ctx.Err() != nil {
		return
	}
	switch {
	case !behind:
		m.log.Error("mining failed, trying again soon", "error", err)
	case !told:
		m.log.Warn("mining waits", "reason", err)
	}
	sleep(ctx, pause)
}

// payment waits until payments are pending, and a little longer for those that come with them. False when ctx ends.
func (m *Miner) payment(ctx context.Context) bool {
	wake, stop := m.chain.Watch()
	defer stop()
	for {
		if count, _ := m.chain.PoolSize(); count > 0 && sleep(ctx, gather) && len(m.chain.Draft(m.recipient).Payments) > 0 {
			return true
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return false
		}
	}
}

// quiet waits until no new tip has come for every, and up to a tenth longer: of several miners with the same interval one is
// then first, and the others start to wait anew. False when ctx ends.
func (m *Miner) quiet(ctx context.Context, every time.Duration) bool {
	wake, stop := m.chain.Watch()
	defer stop()
	tip := m.chain.Tip().Hash
	timer := time.NewTimer(every + rand.N(every/10+1))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return true
		case <-wake:
			if now := m.chain.Tip().Hash; now != tip {
				tip = now
				timer.Reset(every + rand.N(every/10+1))
			}
		case <-ctx.Done():
			return false
		}
	}
}

// sleep waits for d. False when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
