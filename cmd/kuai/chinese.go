package main

import "maps"

// chinese are all texts in Chinese, by the English ones. %s stands for a part that stays as it is, %t for one that is a text of the table
// itself, if it has it.
var chinese = func() map[string]string {
	all := maps.Clone(chineseTexts)
	maps.Copy(all, chineseFlags)
	maps.Copy(all, chineseErrors)
	maps.Copy(all, chineseMore)
	maps.Copy(all, chineseRefusals)
	maps.Copy(all, chinesePrinted)
	maps.Copy(all, chineseDoctor)
	maps.Copy(all, chineseStates)
	return all
}()

// chineseTexts are those of help, status, banner and invitation.
var chineseTexts = map[string]string{
	"Node:": "节点：", "Chain:": "区块链：", "Network:": "网络：", "Mining:": "挖矿：", "Tools:": "工具：",

	"A peer-to-peer node for the tutorial's blockchain":                      "教程区块链的点对点节点",
	"Show the balance of an address, and its newest payments":                "查看地址的余额和最近的付款",
	"Measure how many proofs a core of this machine tries in a second":       "测量本机一个核心每秒尝试多少次工作量证明",
	"Show a block: by index, hash, or 'latest'":                              "查看区块：用序号、哈希值或 'latest' 指定",
	"Print the settings that 'kuai daemon' would run with":                   "显示 'kuai daemon' 将采用的设置",
	"Register a node, and stay connected to it: host:port, URL or multiaddr": "登记一个节点并保持连接：host:port、URL 或 multiaddr",
	"Run a node": "运行节点",
	"Forget a registered node or a peer: by URL, host:port, multiaddr or peer id":                "删除已登记的节点或断开对等节点：用 URL、host:port、multiaddr 或节点 id 指定",
	"Look for what keeps a node from running or from meeting others, and say the way out":        "检查节点为什么启动不了、连不上别人，并给出解决办法",
	"Write a node's chain to a file: one block a line":                                           "把节点的区块链写入文件：每行一个区块",
	"List the branches that are not on the node's chain, the longest first":                      "列出不在主链上的分支，最长的在前",
	"Check a node of the tutorial, in any language: requirements and ten known bugs":             "检查任何语言写的教程节点：各项要求和十个常见错误",
	"Check that the node answers: exit code 0, else 1":                                           "检查节点是否响应：响应时退出码为 0，否则为 1",
	"Show the node's address and its multiaddrs":                                                 "查看节点的地址和 multiaddr",
	"Adopt a chain from a file or from another node, Flask's too":                                "从文件或另一个节点（包括 Flask 节点）导入区块链",
	"Show the code by which others join the network of this node, or make a network for a class": "显示加入本节点网络的邀请码，或为一个班级新建网络",
	"Run a node in the network that an invitation code names":                                    "在邀请码指定的网络中运行节点",
	"Show or change how much a running node logs":                                                "查看或调整运行中节点的日志详细程度",
	"Set the least level that the node logs, or show it":                                         "设置或查看节点的最低日志级别",
	"Write the manual pages into a directory":                                                    "把手册页写入目录",
	"Mine N blocks, or set when the node mines by itself":                                        "挖 N 个区块，或设置节点何时自动挖矿",
	"List the registered nodes, and what each answers now":                                       "列出已登记的节点及其当前响应",
	"List connected, registered and remembered peers":                                            "列出已连接、已登记和记住的对等节点",
	"List the payments that wait for a block":                                                    "列出等待写入区块的付款",
	"Adopt the valid chain with most work of all peers and registered nodes now":                 "立即采用所有对等节点和已登记节点中工作量最大的有效链",
	"Pay RECIPIENT from SENDER":                                                                  "由 SENDER 向 RECIPIENT 付款",
	"Show the node's chain, pending payments, mining and peers":                                  "查看节点状态：区块链、待确认的付款、挖矿和对等节点",
	"Show a payment: pending, or in which block":                                                 "查看一笔付款：待确认，或在哪个区块中",
	"Check every block of a stopped node's chain":                                                "校验已停止节点的每一个区块",
	"Print the version": "显示版本",
	"Wait until the chain is that long, that many peers are connected, or a payment is mined": "等待区块链达到指定长度、连接到指定数量的对等节点，或某笔付款写入区块",
	"Keep keys behind a password, and sign payments with them":                                "用密码保管密钥，并用密钥给付款签名",
	"Print the secret seed of a wallet, 64 hex digits":                                        "显示钱包的秘密种子，64 位十六进制数",
	"Keep a key that exists in a wallet: words, a seed or a wallet's file":                    "把已有的密钥存入钱包：助记词、种子或钱包文件",
	"List wallets and named addresses":                                                        "列出钱包和已命名的地址",
	"Call an address by a name, or a wallet by another one":                                   "给地址命名，或给钱包改名",
	"Make a key, keep it in a wallet, and show its 12 words":                                  "生成密钥并存入钱包，显示 12 个助记词",
	"Print the name, the address and the file of a wallet":                                    "显示钱包的名称、地址和文件",
	"Sign a payment with a wallet, and print it":                                              "用钱包给一笔付款签名并显示出来",
	"Check the signature of a payment":                                                        "验证付款的签名",
	"Print blocks, payments, reorgs, peers and mining as they come":                           "实时显示区块、付款、链重组、对等节点和挖矿情况",
	"Explain a command": "查看命令的说明",
	"Make a network of your own, or show the rules of one":                                       "新建自己的网络，或显示一个网络的规则",
	"Write the file of a new network, with a first block of its own":                             "写出新网络的规则文件，含自己的创世区块",
	"Print the file of a network: of the node that runs, classic, secure, dev, or one of a file": "显示网络的规则文件：运行中的节点所在的网络、classic、secure、dev，或文件中的网络",
	"Let a running node sign the payments of a wallet, for some time":                            "让运行中的节点在一段时间内替钱包的付款签名",
	"Let a running node forget the key of a wallet that was unlocked":                            "让运行中的节点忘掉已解锁钱包的密钥",
	"Run lessons: forks, attacks and the tutorial's known bugs, on a simulated network":          "运行实验课：在模拟网络上观察分叉、攻击和教程的常见错误",
	"List the lessons": "列出实验课",
	"Cut a running lab node off, disturb its gossip or its clock; or show what holds":     "让运行中的实验室节点断连、干扰其消息传播或时钟；或查看当前开关",
	"Split the network in two sides: the lab nodes that joined by this node's invitation": "把网络分成两侧：凭本节点的邀请码加入的实验室节点",
	"End the split of the network":                                             "结束网络的分裂",
	"Run a lesson, or all of them, and tell whether it came out as it teaches": "运行一个或全部实验课，并报告结果是否符合预期",

	"tips: ": "最新区块：", "answer: ": "答案：", "expected: ": "预测：", "computed": "理论值", "found": "实测值", "tries": "次",
	"Generate the autocompletion script for the specified shell": "为指定的 shell 生成自动补全脚本",

	"address": "地址", "network": "网络", "version": "版本", "tip": "最新区块", "pending": "待确认", "mining": "挖矿", "sync": "同步", "peers": "对等节点", "lab": "实验室",
	"outside": "外部连接", "identity": "身份", "page": "网页", "data": "数据", "invite": "邀请", "password": "密码",
	"name": "名称", "key": "密钥", "words": "助记词", "wallet": "钱包",

	"profile": "规则", "target": "目标值", "pace": "出块", "rewards": "奖励", "file": "文件",
	"Start a node of it:": "启动这个网络的节点：",
	"classic":             "classic（经典）",
	"secure":              "secure（安全）",

	"a block in %s s, %s tries":                     "每 %s 秒一个区块，%s 次尝试",
	"a block in %s s, %s tries; lately one in %s s": "每 %s 秒一个区块，%s 次尝试；最近每 %s 秒一个",

	"block %s, %s":                "区块 %s，%s",
	"%s payments, %s bytes":       "%s 笔付款，%s 字节",
	"%s payment, %s bytes":        "%s 笔付款，%s 字节",
	"%s, idle":                    "%s，空闲",
	"%s, searching at %s tries/s": "%s，正在搜索，每秒 %s 次",
	"split until %s, by %t: this node is on side %s; peers cut off: %s": "网络分裂到 %s 为止，由%t发起：本节点在第 %s 侧；已断开的节点：%s 个",
	"peers cut off by 'kuai lab switches': %s":                          "被 'kuai lab switches' 断开的节点：%s 个",
	"this node":                               "本节点",
	"no peers to sync with":                   "没有可以同步的对等节点",
	"level with the peers":                    "已与对等节点同步",
	"%s (%s), at block %s":                    "%s（%s），区块 %s",
	"in memory, gone when this process ends":  "只在内存中，进程结束后消失",
	"'kuai invite' shows the code for others": "'kuai invite' 显示供他人加入的邀请码",
	"at block %s of %s, %s %, %s blocks/s, about %s left, from %s": "第 %s 个区块，共 %s 个，%s %，每秒 %s 个，约剩 %s，来自 %s",
	"at block %s of %s, %s %, from %s":                             "第 %s 个区块，共 %s 个，%s %，来自 %s",

	"'kuai status' shows whether this node can be dialled from outside, once a peer has tried": "有对等节点试过之后，'kuai status' 显示能否从外部连接本节点",
	"can be dialled at %s, as %s found":                          "可以连接：%s（由 %s 检查）",
	"also that of the node at %s: 'kuai doctor' says what to do": "与 %s 的节点相同：'kuai doctor' 给出解决办法",
	"cannot be dialled at %s, as %s found":                       "无法连接：%s（由 %s 检查）",
	"cannot be dialled from outside the local network: there is no public address, and no router has opened a port": "无法从本地网络以外连接：没有公网地址，也没有路由器开放端口",
	"not known yet whether this node can be dialled: a peer outside that runs with --nat, too, must try":            "尚不清楚能否连接：需要外部一个同样使用 --nat 的对等节点来检查",

	"A second node, in another terminal:":           "在另一个终端启动第二个节点：",
	"A second node, where this one can be reached:": "在能访问本节点的机器上启动第二个节点：",
	"in %s": "在 %s 中",
	"code":  "邀请码",

	"The node at %s is in the tutorial's network, which everybody has. A new network was made for the class.":   "%s 的节点在人人都有的教程网络中。已为班级新建一个网络。",
	"The node at %s is in the tutorial's network, which everybody has. This is the network that was used last.": "%s 的节点在人人都有的教程网络中。下面是最近使用的网络。",
	"A new network was made.":                                  "已新建一个网络。",
	"Start this machine's node, and leave it running:":         "启动本机的节点，并让它一直运行：",
	"The others start theirs, each on a machine of their own:": "其他人各自在自己的机器上启动节点：",
	"Everybody can be in this network without the code, as it is the tutorial's: a longer chain from elsewhere replaces this one.\n'kuai invite --new' makes a network of your own.":                   "这是教程网络，不用邀请码也能加入：别处更长的链会替换这里的链。\n'kuai invite --new' 可以新建自己的网络。",
	"The network has no swarm key: who has its network file can join without the code.":                                                                                                                "这个网络没有私有网络密钥：有网络文件的人不用邀请码也能加入。",
	"The code names no address, as this machine is in no network: others find this node by multicast only. Connect it to the network and run\nthis again, or name its address by --address HOST:PORT.": "本机没有连接任何网络，邀请码中没有地址：别人只能通过组播发现本节点。请先连接网络再运行一次，\n或用 --address HOST:PORT 指定地址。",
	"The address in the code is one of this machine alone: others need --address HOST:PORT, or a node that listens on all interfaces.":                                                                 "邀请码中的地址只在本机有效：请用 --address HOST:PORT 指定别人能访问的地址，或让节点监听所有网络接口。",
	"connect: connection refused": "连接被拒绝",
	"unknown command %s for %s":   "未知命令 %s（在 %s 之后）",

	"waiting for a node in %s": "正在等待 %s 中的节点",
	"waiting for a node at %s": "正在等待 %s 上的节点",

	"Who has the code can join: show it to the class only.": "有邀请码的人都能加入：只给本班同学看。",
	labNote: "本节点有实验室。用 --lab 加入的节点，同意由本节点暂时安排到网络的一侧：'kuai lab split'。\n不同意就去掉 --lab，照样可以加入。",

	"The network is not split.":                               "网络没有分裂。",
	"The network is split until %s. This node is on side %d.": "网络分裂到 %s 为止。本节点在第 %d 侧。",
	"done": "完成",
}
