package lab

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Sizes of the simulations without nodes, which only draw the finder of each block.
const (
	races        = 2000    // of each share
	selfishFinds = 150_000 // blocks that are found
)

// percent is a share as a label.
func percent(share float64) Text {
	text := fmt.Sprintf("%.0f %%", 100*share)
	return Text{text, text}
}

// blocksText is a number of blocks as an argument of texts.
func blocksText(n int) Text { return counted(n, "block", "个区块") }

// counted is a number of things.
func counted(n int, en, zh string) Text {
	if n != 1 {
		en += "s"
	}
	return sprintf("%d "+en, "%d "+zh, n) //nolint:govet // both have one verb
}

// finds returns a draw of the next block's finder: true for a miner with that share of the mining power.
func (w *world) finds(share float64) func() bool {
	dice := rand.New(rand.NewPCG(w.dice.Uint64(), 0))
	if w.broken == "loaded" {
		share += 0.15
	}
	return func() bool { return dice.Float64() < share }
}

// catchUp is the chance that a miner with this share of the mining power gets up blocks ahead of where he is, before he falls down
// blocks further back: the gambler's ruin.
func catchUp(share float64, up, down int) float64 {
	r := (1 - share) / share
	if r == 1 {
		return float64(down) / float64(up+down)
	}
	return (1 - math.Pow(r, float64(down))) / (1 - math.Pow(r, float64(up+down)))
}

// raceWins simulates such races, and returns the part of them that he wins.
func raceWins(finds func() bool, up, down int) float64 {
	won := 0
	for range races {
		at := 0
		for at < up && at > -down {
			if finds() {
				at++
			} else {
				at--
			}
		}
		if at == up {
			won++
		}
	}
	return float64(won) / races
}

// selfishRevenue is the part of the chain's blocks that a selfish miner with this share of the mining power has in the long run, if the others keep
// what they saw first in a tie (Eyal and Sirer, 2013, with γ = 0).
func selfishRevenue(a float64) float64 {
	return (4*a*a*(1-a)*(1-a) - a*a*a) / (1 - a*(1+(2-a)*a))
}

// selfishPart simulates it.
func selfishPart(finds func() bool) float64 {
	own, others, s := 0, 0, selfish{}
	for range selfishFinds {
		a, b := s.found(finds())
		own, others = own+a, others+b
	}
	return float64(own) / float64(own+others)
}

// selfish is what a selfish miner knows: his strategy, without blocks.
type selfish struct {
	lead int  // of the private branch over the public one
	tie  bool // one private block was published against one public block
}

// found takes the finder of a block, and returns how many blocks of each party are final with it.
func (s *selfish) found(own bool) (mine, theirs int) {
	switch {
	case own && s.tie:
		s.tie = false
		return 2, 0 // published at once
	case own:
		s.lead++
		return 0, 0
	case s.tie:
		s.tie = false
		return 0, 2
	}
	switch s.lead {
	case 0:
		return 0, 1
	case 1:
		s.lead, s.tie = 0, true
		return 0, 0
	case 2:
		s.lead = 0
		return 2, 0 // published both
	}
	s.lead--
	return 1, 0 // as long as he leads, his blocks will be the chain's
}

// near reports whether what was found among n draws is what was expected: within five standard deviations.
func near(found, expected float64, n int) bool {
	return math.Abs(found-expected) <= 5*math.Sqrt(expected*(1-expected)/float64(n))+0.002
}
