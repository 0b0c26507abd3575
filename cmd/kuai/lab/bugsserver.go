package lab

import (
	"errors"

	"kuai/chain"
)

// The bugs of the tutorial that are about requests. HTTP is not needed to show them: a server here takes requests in virtual time.

// server is a model of an HTTP server with a number of workers. A request waits until a worker is free, and holds it until done is called.
type server struct {
	w       *world
	workers int
	waiting []func(done func())
}

// requestTime is how long an answer takes in virtual seconds, on its own.
const requestTime = 0.1

// request gives the server a request.
func (s *server) request(handle func(done func())) {
	s.waiting = append(s.waiting, handle)
	s.serve()
}

func (s *server) serve() {
	if s.workers == 0 || len(s.waiting) == 0 {
		return
	}
	handle := s.waiting[0]
	s.waiting = s.waiting[1:]
	s.workers--
	s.w.after(requestTime, func() {
		handle(func() { s.workers++; s.serve() })
	})
}

// resolveKuai is what kuai does with the answers of its neighbours: it skips those that do not answer, and checks every block.
func (w *world) resolveKuai(kuai *node, neighbours ...neighbour) (status int) {
	for _, n := range neighbours {
		if n.err != nil {
			continue
		}
		if err := w.offer(kuai, "neighbour", n.chain); err != nil {
			kuai.remark("skips a neighbour", "略过一个邻居")
		}
	}
	return 200
}

var parallelMining = lesson{
	Lesson: described("parallel-mining",
		Text{"Parallel mining breaks links", "并行挖矿弄断链接"},
		Text{"Two requests for /mine at once build on the same last block, and both are appended.", "同时到达的两个 /mine 请求都以同一个区块为基础，又都接到链上。"},
		Text{"Two requests for /mine arrive at the same time. The node answers both with a new block. What does its chain look like?", "两个 /mine 请求同时到达。节点对两个都返回新区块。它的链会怎样？"},
		Text{"Two blocks more, all links hold", "多两个区块，链接都对"},
		Text{"Two blocks more, and the second names the wrong parent", "多两个区块，第二个的父区块不对"},
		Text{"One block more", "多一个区块"}),
	answer: 1,
	moral: Text{
		"Reading the tip, searching and appending belong together. kuai appends a block only if its parent is still the tip; otherwise the miner starts anew.",
		"读取最新区块、搜索、追加应当是一个整体。kuai 只在父区块仍是最新区块时才追加；否则矿工重新开始。",
	},
	run: runParallelMining,
}

func runParallelMining(w *world) {
	t, kuai := w.newTutorial("parallel-mining")
	w.grow(t, kuai, 1)
	w.tell("Both nodes have 2 blocks. Two clients ask each of them for /mine, at the same time.", "两个节点都有 2 个区块。两个客户端同时向每个节点请求 /mine。")

	last := t.tip()
	w.elapse()
	t.append(last)
	w.wait(requestTime)
	if t.bug != "parallel-mining" {
		last = t.tip()
	}
	t.append(last) // this thread read the last block before the other one appended
	broken := t.tip().previous != t.chain[len(t.chain)-2].hash().String()
	if broken {
		w.wrong(t.tip(), "its previous hash is not that of the block before it", "它的 previous_hash 不是前一个区块的哈希值")
	}

	first, second := kuai.chain.Draft("kuai"), kuai.chain.Draft("kuai")
	one := w.block(first)
	w.wait(requestTime)
	two := w.block(second)
	if w.err != nil {
		return
	}
	w.note(one, "kuai")
	added, stale := kuai.chain.AddMined(one), kuai.chain.AddMined(two)
	w.tell("On the tutorial's node, both threads read block 2, find a proof, and append a block. The second one is at position 4 and names block 2 as its parent. On kuai the second block comes too late: its parent is no longer the tip, so it is not added.",
		"在教程的节点上，两个线程都读到区块 2，各自找到证明，各自追加一个区块。第二个在位置 4，却以区块 2 为父区块。在 kuai 上，第二个区块来晚了：它的父区块已不是最新区块，所以没有加入。")

	w.mine(kuai)
	neighbours := &tutorial{w: w, chain: t.chain[:1]}
	accepted := neighbours.valid(t.chain)
	w.tell("kuai's second request starts anew on block %[1]s. Its chain is sound. The chain of the tutorial's node is broken for good: every neighbour that checks links refuses it from now on.",
		"kuai 的第二个请求在区块 %[1]s 上重新开始。它的链完好。教程节点的链从此坏了：凡是检查链接的邻居都会拒绝它。", w.label(one))

	w.check(broken && !accepted, "the tutorial's chain has a broken link, and no neighbour accepts it", "教程的链有断开的链接，没有邻居接受")
	w.check(added == nil && errors.Is(stale, chain.ErrStale) && kuai.chain.Tip().Index == 4, "kuai has two more blocks, one after the other", "kuai 多了两个区块，一个接一个")
}

var deadNeighbour = lesson{
	Lesson: described("dead-neighbour",
		Text{"A dead neighbour gives 500", "邻居停机导致 500"},
		Text{"One registered node is not running. The request to it fails, and the whole resolve fails with it.", "一个已登记的节点没有运行。对它的请求失败，整个 resolve 也跟着失败。"},
		Text{"One neighbour is switched off, another one has a longer chain. What does GET /nodes/resolve answer?", "一个邻居关机了，另一个邻居有更长的链。GET /nodes/resolve 会返回什么？"},
		Text{"Our chain was replaced", "“Our chain was replaced”：链被取代"},
		Text{"500 Internal Server Error", "500 Internal Server Error：服务器内部错误"},
		Text{"Our chain is authoritative", "“Our chain is authoritative”：保留自己的链"}),
	answer: 1,
	moral: Text{
		"In a network, some node is always offline. A node skips a neighbour that fails, and goes on.",
		"网络里总有人不在。一个邻居失败不等于节点失败：略过它，继续下去。",
	},
	run: runDeadNeighbour,
}

func runDeadNeighbour(w *world) {
	t, kuai := w.newTutorial("dead-neighbour")
	w.grow(t, kuai, 1)
	long := w.extend(t.chain, 2, "neighbour")
	w.tell("Both nodes have 2 blocks and two neighbours: one is switched off, the other has 4 blocks.", "两个节点都有 2 个区块和两个邻居：一个关机了，另一个有 4 个区块。")

	dead := neighbour{err: errDead}
	status := t.resolve(dead, honest(long))
	ok := w.resolveKuai(kuai, dead, honest(long))
	w.tell("The tutorial's node asks the first neighbour: requests.get raises ConnectionError, nobody catches it, and the answer is %[1]d. The second neighbour is never asked. kuai skips the first, adopts the chain of the second, and answers %[2]d.",
		"教程的节点询问第一个邻居：requests.get 抛出 ConnectionError，没有人捕获，响应是 %[1]d。第二个邻居根本没有被询问。kuai 略过第一个，采用第二个的链，响应 %[2]d。", status, ok)

	w.check(status == 500 && !t.has(long[3]), "the tutorial's node answers 500 and stays behind", "教程的节点返回 500，停留在旧链上")
	w.check(ok == 200 && kuai.chain.Tip().Hash == long[3].hash(), "kuai adopts the longer chain", "kuai 采用了更长的链")
}

var headMines = lesson{
	Lesson: described("head-mines",
		Text{"HEAD mines", "HEAD 请求也会挖矿"},
		Text{"Flask answers HEAD with the function for GET. A monitor that only looks makes blocks.", "Flask 用处理 GET 的函数处理 HEAD。只想看一眼的监控程序却挖出了区块。"},
		Text{"A monitor sends HEAD /mine every minute, to see whether the node runs. What happens?", "监控程序每分钟发一次 HEAD /mine，看节点是否在运行。会发生什么？"},
		Text{"Nothing: HEAD has no body", "什么也不发生：HEAD 没有响应体"},
		Text{"405 Method Not Allowed", "405 Method Not Allowed：不允许该方法"},
		Text{"The node mines a block each time", "节点每次都挖一个区块"}),
	answer: 2,
	moral: Text{
		"HEAD and GET must not change anything that matters: caches, crawlers and monitors send them at any time. The tutorial's GET /mine is a mistake that kuai has to keep, but HEAD does nothing there.",
		"HEAD 和 GET 不应改变任何重要的东西；缓存、爬虫和监控随时会发送它们。教程的 GET /mine 本身就是个错误，kuai 不得不保留，但 HEAD 在那里什么也不做。",
	},
	run: runHeadMines,
}

func runHeadMines(w *world) {
	const minutes = 4
	t, kuai := w.newTutorial("head-mines")
	w.grow(t, kuai, 1)
	w.tell("Both nodes have 2 blocks. Nobody wants to mine.", "两个节点都有 2 个区块。没有人想挖矿。")

	// What a route answers, by method: in Flask, HEAD has the function for GET.
	flask := map[string]func(){"GET": t.mine, "HEAD": t.mine}
	if t.bug != "head-mines" {
		flask["HEAD"] = func() {}
	}
	own := map[string]func(){"GET": func() { w.mine(kuai) }, "HEAD": func() {}}
	for range minutes {
		w.wait(60)
		flask["HEAD"]()
		own["HEAD"]()
	}
	w.tell("A monitor sends HEAD /mine to both, once a minute, %[1]d times. The tutorial's node is at block %[2]d now: it has mined each time. kuai answers as GET would, without mining, and is at block %[3]d.",
		"监控程序每分钟向两者发一次 HEAD /mine，共 %[1]d 次。教程的节点现在到了区块 %[2]d：每次都挖了矿。kuai 像 GET 一样响应，但不挖矿，仍在区块 %[3]d。",
		minutes, t.tip().index, kuai.chain.Tip().Index)

	idle := kuai.chain.Tip().Index
	own["GET"]()
	w.tell("GET /mine makes kuai mine, as the tutorial has it: block %d.", "GET /mine 会让 kuai 挖矿，与教程一致：区块 %d。", kuai.chain.Tip().Index)

	w.check(t.tip().index == 2+minutes, "the tutorial's node mines at each HEAD", "教程的节点每收到一次 HEAD 就挖一次")
	w.check(idle == 2 && kuai.chain.Tip().Index == 3, "kuai mines at GET, and not at HEAD", "kuai 收到 GET 才挖矿，收到 HEAD 不挖")
}

var selfRegistration = lesson{
	Lesson: described("self-registration",
		Text{"Self-registration hangs", "登记自己导致卡死"},
		Text{"A node with one thread asks itself for its chain, and waits for its own answer.", "只有一个线程的节点向自己请求区块链，然后等待自己的响应。"},
		Text{"A node that serves one request at a time is registered with itself. Somebody asks for /nodes/resolve. What happens?", "一个每次只处理一个请求的节点登记了自己。有人请求 /nodes/resolve。会发生什么？"},
		Text{"It finds that its chain is the longest", "它发现自己的链最长"},
		Text{"It adopts its own chain", "它采用自己的链"},
		Text{"It never answers again", "它再也不响应"}),
	answer: 2,
	moral: Text{
		"A server must not wait for itself. kuai recognises itself by its id, skips itself, bounds every wait, and serves other requests meanwhile.",
		"服务器不能等待自己。kuai 凭 id 认出自己并略过，每次等待都有上限，同时还能处理其他请求。",
	},
	run: runSelfRegistration,
}

func runSelfRegistration(w *world) {
	const patience = 60
	t, kuai := w.newTutorial("self-registration")
	w.grow(t, kuai, 1)
	w.tell("Both nodes are registered with themselves: a student has typed the wrong port.", "两个节点都登记了自己：有个学生输错了端口。")

	flask, own := &server{w: w, workers: 1}, &server{w: w, workers: 8}
	var answers [2]int
	for i, s := range []*server{flask, own} {
		node := []string{"tutorial", "kuai"}[i]
		knowsItself := s == own || t.bug != "self-registration"
		s.request(func(done func()) { resolveAt(s, node, node, knowsItself, func() { answers[i]++; done() }) })
		w.after(5, func() { s.request(func(done func()) { answers[i]++; done() }) })
	}
	w.wait(patience)
	if answers[0] < 2 {
		t.face.remark("no longer answers", "不再响应任何请求")
	}
	w.tell("A client asks each for /nodes/resolve, and 5 seconds later for /chain. The tutorial's only thread waits for an answer that only this thread could give. After %[1]d seconds it has answered %[2]d of 2 requests, kuai %[3]d.",
		"客户端向两者请求 /nodes/resolve，5 秒后请求 /chain。教程唯一的线程在等一个只有它自己才能给出的响应。%[1]d 秒后，它响应了 2 个请求中的 %[2]d 个，kuai 响应了 %[3]d 个。", patience, answers[0], answers[1])

	w.check(answers[0] == 0, "the tutorial's node no longer answers", "教程的节点不再响应任何请求")
	w.check(answers[1] == 2, "kuai answers both requests", "kuai 响应了两个请求")
}

// resolveAt asks the neighbour of a node for its chain; here it is the node itself, on the same server.
func resolveAt(s *server, node, neighbour string, knowsItself bool, done func()) {
	if knowsItself && node == neighbour {
		done()
		return
	}
	s.request(func(answered func()) { answered(); done() })
}
