package api

import "slices"

// Effect reports whether an operation changes the state of the node.
type Effect uint8

// The zero value is the guarded one: a row that says nothing gets the guard.
const (
	Changes Effect = iota // refuses other sites' pages and prefetches, and asks for the token
	Reads
	Reveals // reads what strangers must not know: guarded like what changes
)

// Operation is one row: a method of a path.
type Operation struct {
	ID      string // names it in OpenAPI, and its handler in package rpc
	Method  string
	Path    string // {name} stands for its last segment
	Group   string // one of Groups
	Summary string
	Effect  Effect
	Signed  bool     // on a secure network it needs no token: its handler asks for one, or for a signature
	Long    bool     // it may take longer than other answers: a stream, a proof search, a sync with others
	Params  any      // a struct with the tags path and query, nil without any
	Request any      // of the body's type, nil without a body
	Body    int64    // the most bytes of a body, 0 for the limit that is usual
	Answers []Answer // the usual one first
	Errors  []int    // statuses beside those of ErrorsOf that every such row has
	Example Example
}

// Answer is a successful answer.
type Answer struct {
	Status int
	Type   string // of the content, "" for JSON
	Bodies []any  // of the types that it may have, or the data of an event; none for an empty body, or one that is not JSON
}

// Example is a request that a node answers with the row's first answer, once the requests of the rows before have been sent to it.
type Example struct {
	Target string // path and query, "" for Path
	Body   string
	Else   int // another status that it may have when it is sent again, or later, or on a node of the other profile; 0 for none
}

// Group is a kind of operations.
type Group struct{ Name, Description string }

// Groups lists the groups in the order of the table.
var Groups = []Group{
	{"tutorial", "The five endpoints of the Flask tutorial, answered as it answers them."},
	{"chain", "Blocks, payments and addresses."},
	{"network", "This node, its peers and the nodes that were registered."},
	{"mining", "The node's own miner, and work for miners elsewhere."},
	{"secure", "On a secure network only: for clients that keep no blocks, and keys that the node signs payments with. Without a token only this machine uses the keys."},
	{"lab", "Faults on purpose, and lessons: on a node that was started with `--lab`. Without a token this machine alone uses it."},
	{"operation", "For those who watch over a node, and descriptions of this API."},
	{"page", "The page for people, and its parts."},
}

const (
	get    = "GET"
	post   = "POST"
	put    = "PUT"
	del    = "DELETE"
	typeJS = "text/javascript; charset=utf-8"
)

// Content types of answers that are not JSON.
const (
	TypeHTML   = "text/html; charset=utf-8"
	TypeText   = "text/plain; charset=utf-8"
	TypeEvents = "text/event-stream"
	TypeJSON   = "application/json"
	typeCSS    = "text/css; charset=utf-8"
	typeSVG    = "image/svg+xml"
)

// examplePayment is the payment of the examples, and exampleNode the registered node.
const (
	exampleID      = "00112233445566778899aabbccddeeff"
	examplePayment = `{"sender": "alice", "recipient": "bob", "amount": 5, "id": "` + exampleID + `"}`
	exampleNode    = "127.0.0.1:5001"
	exampleSeed    = "b7e1f3a25c904d86b7e1f3a25c904d86b7e1f3a25c904d86b7e1f3a25c904d86"
	exampleKey     = "12D3KooWCGMjv6kGgSPHuDnrjc1k7MWXgmQagGA2YrccsiUuQJVv"
	exampleGenesis = `{"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1626739200.0, "transactions": []}`
)

// Parameters of paths and queries.
type (
	// Page is a page of a list.
	Page struct {
		From  int64 `query:"from" minimum:"1" description:"The first entry, counted from 1."`
		Limit int64 `query:"limit" minimum:"1" description:"Entries at most; over the largest page it is cut to that."`
	}
	// BlockName names a block.
	BlockName struct {
		Ref string `path:"ref" description:"Its index, its hash of 64 hex digits, or latest." example:"latest"`
	}
	// PaymentName names a payment.
	PaymentName struct {
		ID string `path:"id" description:"32 lower-case hex digits." example:"00112233445566778899aabbccddeeff"`
	}
	// AccountPage is a page of an address's history.
	AccountPage struct {
		Address string `path:"address" description:"A sender's or recipient's name, percent-encoded." example:"bob"`
		Before  string `query:"before" description:"What next of the page before says, or the index of a block."`
		Limit   int64  `query:"limit" minimum:"1" description:"Entries at most: 20, or up to 1000."`
	}
	// WalletName names an account.
	WalletName struct {
		Address string `path:"address" description:"Of the key." example:"12D3KooWCGMjv6kGgSPHuDnrjc1k7MWXgmQagGA2YrccsiUuQJVv"`
	}
	// PartName names a part of the page.
	PartName struct {
		File string `path:"file" description:"A file's name." example:"main.js"`
	}
	// PeerName names a peer or a registered node.
	PeerName struct {
		ID string `path:"id" description:"A peer id, or the address or URL of a registered node, percent-encoded." example:"127.0.0.1:5001"`
	}
)

func ok(bodies ...any) []Answer { return []Answer{{Status: 200, Bodies: bodies}} }

func okAs(contentType string) []Answer { return []Answer{{Status: 200, Type: contentType}} }

// Operations is the table, in an order in which the examples can be sent one after the other.
var Operations = []Operation{
	{
		ID: "newTransaction", Method: post, Path: "/transactions/new", Group: "tutorial",
		Summary: "Put a payment into the pool. It is on disk before the answer; the same payment again has no effect.", Signed: true,
		Request: Payment{},
		Answers: []Answer{{Status: 201, Bodies: []any{Message{}}}, {Status: 200, Bodies: []any{Message{}}}},
		Errors:  []int{409, 503, 507},
		Example: Example{Body: examplePayment, Else: 200},
	},
	{
		ID: "getPending", Method: get, Path: "/transactions/pending", Group: "chain", Effect: Reads,
		Summary: "A page of the payments that wait for a block, in order of arrival; 100, or up to 1000.",
		Params:  Page{}, Answers: ok(Pending{}), Errors: []int{503},
		Example: Example{Target: "/transactions/pending?limit=10"},
	},
	{
		ID: "submitProof", Method: post, Path: "/mining/submit", Group: "mining",
		Summary: "Make a block with a proof that was found elsewhere. It is on disk before the answer; 409 if another block came first.",
		Request: Submit{}, Answers: []Answer{{Status: 201, Bodies: []any{BlockInfo{}}}}, Errors: []int{409, 503, 507},
		Example: Example{Body: `{"parent": "7fc07dc7599e3d618106ec55ee0a31a033a634890d6fad6522436026b4168491", "proof": 34391}`, Else: 409},
	},
	{
		ID: "mineBlock", Method: get, Path: "/mine", Group: "tutorial", Long: true,
		Summary: "Mine one block. It is on disk before the answer; HEAD does nothing.",
		Answers: ok(Forged{}), Errors: []int{503, 507},
	},
	{
		ID: "mineBlocks", Method: post, Path: "/mine", Group: "tutorial", Long: true,
		Summary: "Mine several blocks, or one as GET does if none are named.",
		Request: Mine{}, Answers: ok(MinedBlocks{}, Forged{}), Errors: []int{503, 507},
		Example: Example{Body: `{"blocks": 2}`},
	},
	{
		ID: "getChain", Method: get, Path: "/chain", Group: "tutorial", Effect: Reads, Long: true,
		Summary: "The whole chain, streamed, or a page of it. ETag is the tip's hash.",
		Params:  Page{}, Answers: append(ok(Chain{}), Answer{Status: 304}), Errors: []int{503},
	},
	{
		ID: "registerNodes", Method: post, Path: "/nodes/register", Group: "tutorial",
		Summary: "Register other nodes, all of the list or none. kuai nodes are connected, Flask nodes are read on resolve.",
		Request: Register{}, Answers: []Answer{{Status: 201, Bodies: []any{Registered{}}}}, Errors: []int{507},
		Example: Example{Body: `{"nodes": ["http://` + exampleNode + `"]}`},
	},
	{
		ID: "resolveChain", Method: get, Path: "/nodes/resolve", Group: "tutorial", Long: true,
		Summary: "Sync now with every peer and registered node, within 10 s, and answer with the chain; HEAD does nothing.",
		Answers: ok(Resolved{}), Errors: []int{503, 507},
	},

	{
		ID: "getBlocks", Method: get, Path: "/blocks", Group: "chain", Effect: Reads,
		Summary: "A page of the active chain, the newest last; without from the newest page; 20, or up to 1000.",
		Params:  Page{}, Answers: ok(Blocks{}), Errors: []int{503},
		Example: Example{Target: "/blocks?limit=2"},
	},
	{
		ID: "addBlocks", Method: post, Path: "/blocks", Group: "chain", Body: MaxBlocksBody,
		Summary: "Add blocks whose parents are known, each of which extends the one before: what GET /chain answers, or JSON lines. They are on disk before the answer.",
		Request: NewBlocks{}, Answers: ok(AddedBlocks{}), Errors: []int{503, 507},
		Example: Example{Body: `{"chain": [` + exampleGenesis + `]}`},
	},
	{
		ID: "getBlock", Method: get, Path: "/blocks/{ref}", Group: "chain", Effect: Reads,
		Summary: "A block by its index, its hash (side branches too), or latest.",
		Params:  BlockName{}, Answers: ok(BlockInfo{}), Errors: []int{404, 503},
		Example: Example{Target: "/blocks/latest"},
	},
	{
		ID: "getTransaction", Method: get, Path: "/transactions/{id}", Group: "chain", Effect: Reads,
		Summary: "Where the payment with this id is. Compare its fields: after a conflict the id is that of another payment.",
		Params:  PaymentName{}, Answers: ok(TransactionInfo{}), Errors: []int{404},
		Example: Example{Target: "/transactions/" + exampleID},
	},
	{
		ID: "getAddress", Method: get, Path: "/addresses/{address}", Group: "chain", Effect: Reads,
		Summary: "The balance of an address and its history, the newest first. A name that is nowhere has no history.",
		Params:  AccountPage{}, Answers: ok(Account{}), Errors: []int{503},
		Example: Example{Target: "/addresses/bob?limit=5"},
	},
	{
		ID: "getForks", Method: get, Path: "/forks", Group: "chain", Effect: Reads,
		Summary: "A page of the side branches, the longest first; 20, or up to 1000.",
		Params:  Page{}, Answers: ok(Forks{}), Errors: []int{503},
	},

	{
		ID: "getNode", Method: get, Path: "/node", Group: "network", Effect: Reads,
		Summary: "Who this node is, how to reach it, and its state.",
		Answers: ok(Node{}),
	},
	{
		ID: "getInvite", Method: get, Path: "/invite", Group: "network", Effect: Reveals,
		Summary: "The invitation code of this node's network. Without a token this machine alone gets it, as the code holds the swarm key.",
		Answers: ok(Invite{}), Errors: []int{404},
	},
	{
		ID: "getPeers", Method: get, Path: "/peers", Group: "network", Effect: Reads,
		Summary: "A page of the connected, registered and remembered peers, and all registered nodes; 100, or up to 1000.",
		Params:  Page{}, Answers: ok(Peers{}),
	},
	{
		ID: "disconnectPeer", Method: del, Path: "/peers/{id}", Group: "network",
		Summary: "Disconnect a peer, or forget a registered node.",
		Params:  PeerName{}, Answers: []Answer{{Status: 204}}, Errors: []int{404, 507},
		Example: Example{Target: "/peers/" + exampleNode, Else: 404},
	},
	{
		ID: "getEvents", Method: get, Path: "/events", Group: "network", Effect: Reads, Long: true,
		Summary: "Server-Sent Events: block, reorg, transaction, unpaid, peer, mining, reset. Last-Event-ID resumes the last 1000.",
		Answers: []Answer{{Status: 200, Type: TypeEvents, Bodies: []any{
			BlockEvent{}, ReorgEvent{}, TransactionEvent{}, UnpaidEvent{}, PeerEvent{}, MiningEvent{}, SearchEvent{}, ResetEvent{},
		}}},
		Errors: []int{503},
	},

	{
		ID: "getMining", Method: get, Path: "/mining", Group: "mining", Effect: Reads,
		Summary: "What the miner is at.",
		Answers: ok(Miner{}),
	},
	{
		ID: "setMining", Method: post, Path: "/mining", Group: "mining",
		Summary: "Change when the node mines by itself, and with how much of the machine, until it stops.",
		Request: MinerChange{}, Answers: ok(Miner{}),
		Example: Example{Body: `{"mode": "manual"}`},
	},
	{
		ID: "getWork", Method: get, Path: "/mining/work", Group: "mining", Effect: Reads,
		Summary: "What a miner elsewhere needs.",
		Answers: ok(Work{}),
	},

	{
		ID: "getHeaders", Method: get, Path: "/headers", Group: "secure", Effect: Reads,
		Summary: "A page of the active chain's headers after the first block, from the oldest on, each with its path to the root in its proof; 200, or up to 1000.",
		Params:  Page{}, Answers: ok(Headers{}), Errors: []int{404, 503},
		Example: Example{Target: "/headers?from=2&limit=10", Else: 404},
	},
	{
		ID: "getProof", Method: get, Path: "/transactions/{id}/proof", Group: "secure", Effect: Reads,
		Summary: "The path from a mined payment to the root in its block's proof.",
		Params:  PaymentName{}, Answers: ok(TransactionProof{}), Errors: []int{404, 503},
		Example: Example{Target: "/transactions/" + exampleID + "/proof", Else: 404},
	},
	{
		ID: "getWallets", Method: get, Path: "/wallets", Group: "secure", Effect: Reveals,
		Summary: "The accounts that the node signs payments of.",
		Answers: ok(UnlockedWallets{}), Errors: []int{404},
		Example: Example{Else: 404},
	},
	{
		ID: "unlockWallet", Method: post, Path: "/wallets/unlock", Group: "secure",
		Summary: "Sign payments with a key, until its time is over or the node stops. The key is kept in memory only.",
		Request: Unlock{}, Answers: ok(UnlockedWallet{}), Errors: []int{404, 409},
		Example: Example{Body: `{"seed": "` + exampleSeed + `", "seconds": 600}`, Else: 404},
	},
	{
		ID: "lockWallet", Method: del, Path: "/wallets/{address}", Group: "secure",
		Summary: "Forget a key that was unlocked.",
		Params:  WalletName{}, Answers: []Answer{{Status: 204}}, Errors: []int{404, 409},
		Example: Example{Target: "/wallets/" + exampleKey, Else: 404},
	},

	{
		ID: "getLab", Method: get, Path: "/lab", Group: "lab", Effect: Reveals,
		Summary: "The faults that this node makes on purpose, and the lessons that it offers.",
		Answers: ok(Lab{}), Errors: []int{404},
	},
	{
		ID: "setSwitches", Method: put, Path: "/lab/switches", Group: "lab",
		Summary: "Set all faults at once, until the node stops; what is left out is off. Cut peers are disconnected, healed ones dialled at once.",
		Request: NewSwitches{}, Answers: ok(Switches{}), Errors: []int{404},
		Example: Example{Body: `{"delay_ms": 500, "loss_percent": 10}`},
	},
	{
		ID: "splitNetwork", Method: put, Path: "/lab/sides", Group: "lab",
		Summary: "Put the lab nodes that agreed to it by this node's invitation on two sides, which are cut off from each other, for a while.",
		Request: NewSplit{}, Answers: ok(Split{}), Errors: []int{404, 409},
		Example: Example{Body: `{"seconds": 300}`, Else: 409},
	},
	{
		ID: "healNetwork", Method: del, Path: "/lab/sides", Group: "lab",
		Summary: "End the split: on the node that made it, for all nodes; on another one, for that node alone.",
		Answers: ok(Split{}), Errors: []int{404},
	},
	{
		ID: "playLesson", Method: post, Path: "/lab/lessons/{name}", Group: "lab",
		Summary: "Play a lesson on a simulated network of its own. The same name, nodes and seed give the same story.",
		Params:  LessonName{}, Request: LessonRun{}, Answers: ok(Story{}), Errors: []int{404, 503},
		Example: Example{Target: "/lab/lessons/fork-race", Body: `{"seed": 1}`},
	},

	{
		ID: "getHealth", Method: get, Path: "/healthz", Group: "operation", Effect: Reads,
		Summary: "200 while the process answers.",
		Answers: ok(Health{}),
	},
	{
		ID: "getReadiness", Method: get, Path: "/readyz", Group: "operation", Effect: Reads,
		Summary: "200 if the node has caught up with its peers, else 503 and Retry-After, with the same body.",
		Answers: append(ok(Readiness{}), Answer{Status: 503, Bodies: []any{Readiness{}}}),
	},
	{
		ID: "getMetrics", Method: get, Path: "/metrics", Group: "operation", Effect: Reads,
		Summary: "Figures for Prometheus.",
		Answers: okAs("text/plain"), Errors: []int{404},
	},
	{
		ID: "getLogLevel", Method: get, Path: "/log/level", Group: "operation", Effect: Reads,
		Summary: "The least level of what the node logs.",
		Answers: ok(LogLevel{}), Errors: []int{404},
	},
	{
		ID: "setLogLevel", Method: put, Path: "/log/level", Group: "operation",
		Summary: "Change the least level of what the node logs, until it stops.",
		Request: LogLevel{}, Answers: ok(LogLevel{}), Errors: []int{404},
		Example: Example{Body: `{"level": "info"}`},
	},
	{
		ID: "getOpenAPI", Method: get, Path: "/openapi.json", Group: "operation", Effect: Reads,
		Summary: "This API in OpenAPI 3.1.",
		Answers: okAs(TypeJSON),
	},
	{
		ID: "getPostman", Method: get, Path: "/postman.json", Group: "operation", Effect: Reads,
		Summary: "This API as a Postman collection, to import.",
		Answers: okAs(TypeJSON),
	},

	{ID: "getPage", Method: get, Path: "/", Group: "page", Effect: Reads, Summary: "The page.", Answers: okAs(TypeHTML), Errors: []int{503}},
	{
		ID: "getPagePart", Method: get, Path: "/web/{file}", Group: "page", Effect: Reads,
		Summary: "Its scripts, styles and mark.",
		Params:  PartName{}, Answers: slices.Concat(okAs(typeJS), okAs(typeCSS), okAs(typeSVG)), Errors: []int{404},
		Example: Example{Target: "/web/main.js"},
	},
	{ID: "getIcon", Method: get, Path: "/favicon.ico", Group: "page", Effect: Reads, Summary: "The mark, where browsers look for it.", Answers: okAs(typeSVG)},
}

// ErrorsOf lists the statuses of op's errors, in order: those that its kind can have, and its own.
func ErrorsOf(op Operation) []int {
	kinds := []struct {
		has    bool
		status int
	}{
		{op.Params != nil || op.Request != nil, 400},
		{true, 401},
		{true, 403},
		{op.Request != nil, 413},
	}
	var all []int
	for _, k := range kinds {
		if k.has {
			all = append(all, k.status)
		}
	}
	all = append(all, op.Errors...)
	slices.Sort(all)
	return all
}

// Guarded reports whether op needs the guard of what changes state: only a GET that is known to read passes without.
func (op Operation) Guarded() bool { return op.Effect != Reads || op.Method != get }

// Streams reports whether op's answer goes on until the client leaves.
func (op Operation) Streams() bool {
	return slices.ContainsFunc(op.Answers, func(a Answer) bool { return a.Type == TypeEvents })
}

// Target is the path and query of op's example.
func (op Operation) Target() string {
	if op.Example.Target == "" {
		return op.Path
	}
	return op.Example.Target
}
