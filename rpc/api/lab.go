package api

import "time"

// Lab is what a node that was started with --lab offers.
type Lab struct {
	Lessons  []Lesson `json:"lessons" description:"In the order in which they are taught."`
	Sides    Sides    `json:"sides"`
	Switches Switches `json:"switches"`
}

// Sides is how the network is split, as this node knows it.
type Sides struct {
	Followers []string  `json:"followers" description:"Ids of connected lab nodes that joined with an invitation which lets a teacher's node put them on a side."`
	Other     []string  `json:"other" description:"Peer ids on the side where the teacher's node is not."`
	Side      int       `json:"side" minimum:"0" maximum:"2" description:"Of this node: 1 the teacher's, 2 the other one, 0 if the network is not split."`
	Teacher   string    `json:"teacher" description:"Peer id of the node that has split the network, \"\" if none has."`
	Until     time.Time `json:"until,omitzero" description:"When the split ends by itself; left out if there is none."`
}

// NewSplit says how the network is to be split.
type NewSplit struct {
	Other   []string `json:"other,omitempty" maxItems:"128" description:"Peer ids for the side where this node is not, of those that GET /lab lists as followers; left out: half of them."`
	Seconds int64    `json:"seconds,omitempty" minimum:"1" maximum:"3600" description:"After so long it ends by itself; left out: 600."`
}

// Split is what came of splitting or healing.
type Split struct {
	Asked []AskedNode `json:"asked" description:"Sorted by id."`
	Sides Sides       `json:"sides"`
}

// AskedNode is a lab node that was asked to change its side.
type AskedNode struct {
	Error string `json:"error,omitempty" description:"Why it did not; left out if it did."`
	ID    string `json:"id"`
	Side  int    `json:"side" minimum:"1" maximum:"2"`
}

// Switches are the faults that a node makes on purpose, until it stops.
type Switches struct {
	ClockSkew int64    `json:"clock_skew_s" minimum:"-86400" maximum:"86400" description:"Seconds that the clock of this node's chain and miner is ahead."`
	Cut       []string `json:"cut" description:"Peer ids of those that this node is cut off from."`
	CutAll    bool     `json:"cut_all" description:"It is cut off from every peer."`
	Delay     int64    `json:"delay_ms" minimum:"0" maximum:"30000" description:"Of each message that gossip brings or that this node publishes."`
	Loss      int      `json:"loss_percent" minimum:"0" maximum:"100" description:"Of those messages. Statuses and syncs go on."`
	Pause     bool     `json:"pause" description:"Gossip brings and publishes nothing."`
}

// NewSwitches are all switches as they are to be; what is left out is off.
type NewSwitches struct {
	ClockSkew int64    `json:"clock_skew_s,omitempty" minimum:"-86400" maximum:"86400"`
	Cut       []string `json:"cut,omitempty" maxItems:"256" description:"Peer ids."`
	CutAll    bool     `json:"cut_all,omitempty"`
	Delay     int64    `json:"delay_ms,omitempty" minimum:"0" maximum:"30000"`
	Loss      int      `json:"loss_percent,omitempty" minimum:"0" maximum:"100"`
	Pause     bool     `json:"pause,omitempty"`
}

// LessonName names a lesson.
type LessonName struct {
	Name string `path:"name" description:"A lesson's name." example:"fork-race"`
}

// LessonRun says how a lesson is played; what is left out, or 0, is the lesson's own.
type LessonRun struct {
	Nodes int   `json:"nodes,omitempty" minimum:"0" maximum:"50" description:"How many take part."`
	Seed  int64 `json:"seed,omitempty" minimum:"0" maximum:"9007199254740991" description:"The same one gives the same story."`
}

// Text is in both languages.
type Text struct {
	EN string `json:"en"`
	ZH string `json:"zh"`
}

// Lesson is a lesson of the lab, with the prediction that is to be made before it is played.
type Lesson struct {
	About    Text   `json:"about"`
	Choices  []Text `json:"choices" description:"Answers to the question, one of them right."`
	Kind     string `json:"kind" enum:"idea,bug" description:"bug: one of the tutorial's well-known ones."`
	MaxNodes int    `json:"max_nodes" minimum:"0"`
	MinNodes int    `json:"min_nodes" minimum:"0" description:"As many as max_nodes if the number is fixed."`
	Name     string `json:"name"`
	Nodes    int    `json:"nodes" minimum:"0" description:"That take part unless another number is asked for."`
	Question Text   `json:"question"`
	Title    Text   `json:"title"`
}

// Story is what happened on a simulated network.
type Story struct {
	Answer   int         `json:"answer" minimum:"0" description:"Index of the right choice."`
	Choices  []Text      `json:"choices"`
	Lesson   string      `json:"lesson"`
	Nodes    int         `json:"nodes" minimum:"0"`
	Question Text        `json:"question"`
	Seed     uint64      `json:"seed"`
	Steps    []StoryStep `json:"steps"`
	Title    Text        `json:"title"`
	Verdict  Verdict     `json:"verdict"`
}

// StoryStep is a step of a story, with all nodes as they are after it.
type StoryStep struct {
	At     float64      `json:"at" description:"Seconds of the simulated network since its start."`
	Blocks []StoryBlock `json:"blocks" description:"That were in no earlier step, parents before children."`
	Charts []Chart      `json:"charts"`
	Nodes  []StoryNode  `json:"nodes"`
	Text   Text         `json:"text"`
}

// StoryNode is a node of a story.
type StoryNode struct {
	Height  int64   `json:"height"`
	Name    string  `json:"name"`
	Note    *Text   `json:"note,omitempty" description:"What is special about it now."`
	Pending int     `json:"pending" minimum:"0" description:"Payments."`
	Role    string  `json:"role" description:"\"\", attacker, victim, shop, or the program that it runs: tutorial, kuai."`
	Share   float64 `json:"share" description:"Of the work, 0 to 1; 0 does not mine."`
	Side    int     `json:"side" description:"Nodes with the same number reach each other."`
	Tip     string  `json:"tip"`
}

// StoryBlock is a block of a story.
type StoryBlock struct {
	At       float64        `json:"at"`
	Hash     string         `json:"hash"`
	Index    int64          `json:"index"`
	Label    string         `json:"label" description:"What the texts call it: 5, the second one of that index 5′."`
	Miner    string         `json:"miner"`
	Payments []StoryPayment `json:"payments"`
	Previous string         `json:"previous_hash"`
	Proof    int64          `json:"proof"`
	Wrong    *Text          `json:"wrong,omitempty" description:"Why a correct node refuses it."`
}

// StoryPayment is a payment of a story.
type StoryPayment struct {
	Amount    string `json:"amount"`
	ID        string `json:"id"`
	Recipient string `json:"recipient"`
	Sender    string `json:"sender"`
}

// Chart sets what was found beside what was expected.
type Chart struct {
	Bars  []Bar  `json:"bars"`
	Title Text   `json:"title"`
	Unit  string `json:"unit"`
}

// Bar is a pair of figures.
type Bar struct {
	Expected float64 `json:"expected"`
	Found    float64 `json:"found"`
	Label    Text    `json:"label"`
}

// Verdict is what a story has shown.
type Verdict struct {
	Checks []Check `json:"checks"`
	OK     bool    `json:"ok"`
	Text   Text    `json:"text"`
}

// Check is one thing that must hold.
type Check struct {
	OK   bool `json:"ok"`
	Text Text `json:"text"`
}
