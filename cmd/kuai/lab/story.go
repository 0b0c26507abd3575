package lab

import (
	"fmt"
	"slices"
)

// Text is a text for people in both languages.
type Text struct {
	EN string `json:"en"`
	ZH string `json:"zh"`
}

// grouped is an integer whose %d has commas between thousands, as the page writes numbers.
type grouped int64

// Format implements fmt.Formatter.
func (g grouped) Format(s fmt.State, verb rune) {
	text := fmt.Sprintf(fmt.FormatString(s, verb), int64(g))
	for i := len(text) - 3; verb == 'd' && i > 0 && text[i-1] >= '0' && text[i-1] <= '9'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	_, _ = s.Write([]byte(text))
}

// sprintf fills in both languages with the same arguments; those that are a Text are in the language.
func sprintf(en, zh string, args ...any) Text {
	if len(args) == 0 {
		return Text{en, zh}
	}
	inEN, inZH := slices.Clone(args), slices.Clone(args)
	for i, arg := range args {
		switch v := arg.(type) {
		case Text:
			inEN[i], inZH[i] = v.EN, v.ZH
		case int:
			inEN[i], inZH[i] = grouped(v), grouped(v)
		case int64:
			inEN[i], inZH[i] = grouped(v), grouped(v)
		}
	}
	return Text{fmt.Sprintf(en, inEN...), fmt.Sprintf(zh, inZH...)}
}

// Story is one run of a lesson. Its lists are never nil.
type Story struct {
	Lesson   string  `json:"lesson"`
	Title    Text    `json:"title"`
	Seed     uint64  `json:"seed"`
	Nodes    int     `json:"nodes"`
	Question Text    `json:"question"`
	Choices  []Text  `json:"choices"`
	Answer   int     `json:"answer"` // index of the right choice
	Steps    []Step  `json:"steps"`
	Verdict  Verdict `json:"verdict"`
}

// Step is a part of a story: what happened, and the world after it.
type Step struct {
	At     float64     `json:"at"` // virtual seconds since the start
	Text   Text        `json:"text"`
	Nodes  []NodeState `json:"nodes"`
	Blocks []Block     `json:"blocks"` // those of no earlier step, parents before children
	Charts []Chart     `json:"charts"`
}

// NodeState is a node after a step.
type NodeState struct {
	Name    string  `json:"name"`
	Role    string  `json:"role"` // "", or one of the roles
	Tip     string  `json:"tip"`  // the hash of a block of this or an earlier step
	Height  int64   `json:"height"`
	Pending int     `json:"pending"` // payments
	Side    int     `json:"side"`    // nodes of one side reach each other
	Share   float64 `json:"share"`   // of the mining power, 0 to 1
	Note    *Text   `json:"note,omitempty"`
}

// Roles of nodes.
const (
	RoleAttacker = "attacker"
	RoleVictim   = "victim"
	RoleShop     = "shop"
	RoleTutorial = "tutorial" // a model of the tutorial's node, with a bug
	RoleKuai     = "kuai"
)

// Block is a block of a story.
type Block struct {
	Hash     string    `json:"hash"`
	Previous string    `json:"previous_hash"`
	Index    int64     `json:"index"`
	Proof    int64     `json:"proof"`
	Label    string    `json:"label"` // as texts call it: "5", then "5′" for the second one of that index
	Miner    string    `json:"miner"` // "" for the first block
	At       float64   `json:"at"`    // virtual seconds
	Payments []Payment `json:"payments"`
	Wrong    *Text     `json:"wrong,omitempty"` // why a correct node refuses it
}

// Payment is a payment in a block.
type Payment struct {
	ID        string `json:"id"`
	Sender    string `json:"sender"`
	Recipient string `json:"recipient"`
	Amount    string `json:"amount"`
}

// Chart compares what was computed with what was simulated.
type Chart struct {
	Title Text   `json:"title"`
	Unit  string `json:"unit"` // "%" or "tries"
	Bars  []Bar  `json:"bars"`
}

// Bar is one comparison.
type Bar struct {
	Label    Text    `json:"label"`
	Expected float64 `json:"expected"`
	Found    float64 `json:"found"`
}

// Verdict reports whether the experiment came out as the lesson teaches.
type Verdict struct {
	OK     bool    `json:"ok"` // all checks hold
	Text   Text    `json:"text"`
	Checks []Check `json:"checks"`
}

// Check is a condition of the verdict.
type Check struct {
	Text Text `json:"text"`
	OK   bool `json:"ok"`
}
