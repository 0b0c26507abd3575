package lab

import (
	"math"

	"kuai/chain/consensus"
)

var difficulty = lesson{
	Lesson: Lesson{
		Name: "difficulty", Kind: KindIdea, Nodes: 1, MinNodes: 1, MaxNodes: 1,
		Title:    Text{"Difficulty", "难度"},
		About:    Text{"What one more zero does, and how long a search takes.", "多一个零意味着什么，一次搜索要多久。"},
		Question: Text{"A proof needs four hex zeros. With five, how many times as many tries does it take on average?", "工作量证明要求十六进制的四个零。改成五个零，平均尝试次数是原来的多少倍？"},
		Choices: []Text{
			{"1.25 times", "1.25 倍"},
			{"2 times", "2 倍"},
			{"10 times", "10 倍"},
			{"16 times", "16 倍"},
		},
	},
	answer: 3,
	moral: Text{
		"Each hex zero multiplies the work by 16. A search has no memory: after any number of tries, the rest takes as long as a new search. So some blocks come at once, others take many times the average, and only the average can be set.",
		"每多一个十六进制的零，工作量就是原来的 16 倍。搜索没有记忆：无论已经试了多少次，剩下的和刚开始时一样长。所以有的区块马上就出来，有的要好几倍的时间，能设定的只有平均值。",
	},
	run: runDifficulty,
}

func runDifficulty(w *world) {
	n := w.add("A", "")
	n.share = 1
	genesis := n.chain.Tip()
	b := w.mine(n)
	sum := hashOf(w.rules.Puzzle(consensus.Draft{Parent: genesis}), b.Header().Proof)
	w.tell("A mines block 2. A try is one hash of the last proof, a number and the last hash, joined. Number %[1]d is the first whose hash begins with four zeros: %[2]s…",
		"A 挖出区块 2。每次尝试是把上一个证明、一个数和上一个哈希值连起来算一次哈希。第一个使哈希值以四个零开头的数是 %[1]d：%[2]s…", b.Header().Proof, sum.Short())

	c := Chart{Title: Text{"Average tries for a proof", "每个证明的平均尝试次数"}, Unit: "tries", Bars: []Bar{}}
	asComputed := true
	var tries []float64 // with two zeros
	searches := []int{400, 400, 100, 16}
	for i, count := range searches {
		zeros, total := i+1, 0.0
		for range count {
			t := w.search(zeros)
			if total += t; zeros == 2 {
				tries = append(tries, t)
			}
		}
		expected := math.Pow(16, float64(zeros))
		found := total / float64(count)
		asComputed = asComputed && math.Abs(found/expected-1) < 5/math.Sqrt(float64(count))
		c.Bars = append(c.Bars, Bar{sprintf("zeros: %d (%d searches)", "零的个数：%d（搜索 %d 次）", zeros, count), expected, found})
	}
	w.charts = append(w.charts, c)
	w.tell("A searches proofs for one to four zeros, and counts. Each zero more takes 16 times as many tries: a hex digit has 16 values, and one of them is 0.",
		"A 分别为一到四个零搜索证明，并计数。每多一个零，尝试次数是原来的 16 倍：一位十六进制数有 16 个值，只有一个是 0。")

	parts, fits := spread(tries, 256)
	w.charts = append(w.charts, parts)
	long := parts.Bars[len(parts.Bars)-1]
	w.tell("How the %[1]d searches for two zeros spread around their average: many are short, some are long. More than twice the average is to be expected of %.1[2]f %% of them, about one in seven; here it was %.1[3]f %%.",
		"%[1]d 次两个零的搜索在平均值两边的分布：很多次很短，有些很长。按理论，%.1[2]f%%（约七分之一）会超过平均值的两倍；这里是 %.1[3]f%%。", len(tries), long.Expected, long.Found)

	w.check(sum.HasZeros(w.rules.Zeros), "the proof of block 2 has its four zeros", "区块 2 的证明确实有四个零")
	w.check(asComputed, "each zero more takes about 16 times as many tries", "每多一个零，尝试次数约为 16 倍")
	w.check(fits, "short and long searches are as frequent as computed", "长短搜索的比例与理论值相符")
}

func hashOf(p consensus.Puzzle, proof int64) consensus.Hash {
	return sum(p.AppendMessage(nil, proof))
}

// search makes a puzzle with that many zeros and returns how many tries its smallest proof takes.
func (w *world) search(zeros int) float64 {
	var last consensus.Hash
	for i := range last {
		last[i] = byte(w.dice.UintN(256))
	}
	if !w.goesOn() {
		return 0
	}
	proof, err := w.prove(consensus.Puzzle{Before: "100", After: last.String(), Target: consensus.ZerosTarget(zeros)})
	if err != nil {
		w.fail(err)
	}
	if w.broken == "loaded" {
		proof *= 2
	}
	return float64(proof + 1)
}

// spread charts how many of the searches took which part of the mean, and reports whether it is as computed: exponential.
func spread(tries []float64, mean float64) (c Chart, fits bool) {
	c = Chart{Title: Text{"Searches by length", "按长短分的搜索次数"}, Unit: "%"}
	fits = true
	ends := []float64{0, 0.5, 1, 2, math.Inf(1)}
	labels := []Text{
		{"up to half of the average", "不到平均值的一半"}, {"half of it to all of it", "一半到平均值"}, {"one to two times the average", "平均值的一到两倍"}, {"more", "更多"},
	}
	for i, label := range labels {
		n := 0
		for _, t := range tries {
			if t > mean*ends[i] && t <= mean*ends[i+1] {
				n++
			}
		}
		expected, found := math.Exp(-ends[i])-math.Exp(-ends[i+1]), float64(n)/float64(len(tries))
		fits = fits && near(found, expected, len(tries))
		c.Bars = append(c.Bars, Bar{label, 100 * expected, 100 * found})
	}
	return c, fits
}
