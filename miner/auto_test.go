package miner_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kuai/chain"
	"kuai/chain/chaintest"
	"kuai/chain/consensus"
	"kuai/miner"
)

func TestManualMinesNothingUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := open(t, plain, miner.Manual)
		defer run(t, m)()
		submit(t, c)
		time.Sleep(time.Hour)
		if tip := c.Tip().Index; tip != 1 {
			t.Errorf("the tip is %d", tip)
		}
	})
}

func TestInstantPutsABurstIntoOneBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, m := open(t, plain, miner.Instant)
		defer run(t, m)()
		time.Sleep(time.Hour)
		for burst := range int64(3) {
			if tip := c.Tip().Index; tip != 1+burst {
				t.Errorf("before burst %d the tip is %d: a block for each burst, none without", burst, tip)
			}
			for range 10 {
				submit(t, c)
			}
			time.Sleep(time.Second)
		}
		tip, err := c.Block(c.Tip().Hash)
		if count, _ := c.PoolSize(); err != nil || count != 0 || len(tip.Block.Transactions()) != 11 {
			t.Errorf("%d are still pending, and the last block has %d transactions", count, len(tip.Block.Transactions()))
		}
	})
}

func TestIntervalIsTheNetworks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * 365 * 24 * time.Hour) // from the bubble's 2000 to after the genesis
		c, m := open(t, plain, miner.Interval(10*time.Second))
		defer run(t, m)()
		for range 5 {
			time.Sleep(9 * time.Second)
			chaintest.MineOn(t, c, 1) // somebody else is faster
			submit(t, c)              // no new tip
		}
		if blocks := m.Status().Blocks; blocks != 0 {
			t.Errorf("mined %d blocks though a new tip came every 9 s", blocks)
		}
		time.Sleep(10 * time.Minute)
		if blocks := m.Status().Blocks; blocks < 54 || blocks > 60 {
			t.Errorf("mined %d blocks in 10 minutes, want one every 10 to 11 s", blocks)
		}
	})
}

func TestModeChangesWhileRunning(t *testing.T) {
	h, m := openHard(t)
	stop := run(t, m)
	defer stop()
	for _, mode := range []miner.Mode{miner.Continuous, miner.Manual, miner.Interval(time.Nanosecond), miner.Manual} {
		if err := m.SetMode(mode); err != nil || m.Mode() != mode {
			t.Fatal(m.Mode(), err)
		}
		until(t, "the mode's effect", func() bool { return m.Status().Searching == (mode != miner.Manual) })
	}
	h.easy.Store(true)
	if err := m.SetMode(miner.Continuous); err != nil {
		t.Fatal(err)
	}
	until(t, "ten blocks", func() bool { return h.Tip().Index > 10 })
	if _, err := m.Mine(t.Context()); err != nil {
		t.Errorf("a caller beside the continuous miner: %v", err)
	}
	if err := m.SetMode(miner.Interval(0)); err == nil || m.Mode() != miner.Continuous {
		t.Errorf("an interval of 0: %v, mode %v", err, m.Mode())
	}
}

// failing is a chain whose disk is full at first.
type failing struct {
	*chain.Chain
	failures atomic.Int64
}

func (f *failing) AddMined(b *consensus.Block) error {
	if f.failures.Add(1) <= 3 {
		return errors.New("no space left on device")
	}
	return f.Chain.AddMined(b)
}

func TestFailuresAreTriedAgainSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(failing)
		_, m := open(t, func(c *chain.Chain) miner.Chain { f.Chain = c; return f }, miner.Instant)
		submit(t, f.Chain)
		defer run(t, m)()
		time.Sleep(3 * time.Second)
		if f.failures.Load() != 3 || f.Tip().Index != 1 {
			t.Errorf("%d failures in 3 s, tip %d", f.failures.Load(), f.Tip().Index)
		}
		time.Sleep(3 * time.Second)
		if f.Tip().Index != 2 {
			t.Errorf("the tip is %d once the disk has room", f.Tip().Index)
		}
	})
}

func TestParseMode(t *testing.T) {
	for text, want := range map[string]miner.Mode{
		"manual": miner.Manual, "instant": miner.Instant, "continuous": miner.Continuous,
		"interval=5s": miner.Interval(5 * time.Second), "interval=1m30s": miner.Interval(90 * time.Second),
	} {
		got, err := miner.ParseMode(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q: %v, %v", text, got, err)
		}
		if again := (miner.Mode{}); again.UnmarshalText([]byte(text)) != nil || again != want {
			t.Errorf("%q as text: %v", text, again)
		}
	}
	for _, text := range []string{"", "Manual", "interval", "interval=", "interval=5", "interval=0s", "interval=-1s", "instant=1s", "5s"} {
		if got, err := miner.ParseMode(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
