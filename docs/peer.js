// A member of a kuai network in JavaScript, for browsers and Node.js 22: it follows the chain, pays and mines. It is the smallest client of
// PROTOCOL.md, and keeps the chain in memory. A node accepts browsers if it listens for WebSocket:
//
//   kuai daemon --listen /ip4/0.0.0.0/tcp/15000 --listen /ip4/0.0.0.0/tcp/15000/ws
//
//   npm install libp2p @libp2p/websockets @libp2p/noise @libp2p/yamux @libp2p/identify @libp2p/gossipsub @libp2p/pnet @multiformats/multiaddr
//
//   const peer = await Peer.join('/ip4/192.0.2.1/tcp/15000/ws/p2p/12D3KooW…', CLASSIC)
//   peer.onblock = block => console.log(block.index, block.hash)
//   await peer.pay('alice', 'bob', 5)
//   await peer.mine()

import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { preSharedKey } from '@libp2p/pnet'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

// What two nodes must share. Another network's values are in its file; `kuai status` and GET /node show its id. If the network has a swarm
// key, swarmKey is the text of the key's file.
export const CLASSIC = {
  id: '7fc07dc7599e3d61-1',
  genesis: '{"index": 1, "previous_hash": "1", "proof": 100, "timestamp": 1626739200.0, "transactions": []}',
  zeros: 4
}

const SPAN = { count: 16384, bytes: 8 << 20 } // of one chain request
const GOSSIP_BYTES = 65536 // of a block that gossip carries: this peer mines no larger one
const BLOCK_TRANSACTIONS = 2000 // the reward included
const MAX_PENDING = 10000 // payments; what gossip brings beyond is not kept
const AGENT = 'peer.js'
const ASK_EVERY = 2000 // milliseconds between two looks whether a node has a longer chain: gossip may lose a block
const ZERO = '0'.repeat(64)
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class Peer {
  // join connects to a node and returns a peer that has its chain.
  static async join (address, network) {
    const peer = new Peer()
    peer.network = network
    peer.blocks = [await parse(encoder.encode(network.genesis))] // the active chain, the genesis first
    peer.mined = new Set() // the ids of payments in them
    peer.pending = new Map() // payments by id: their canonical text
    peer.onblock = () => {}
    peer.node = await createLibp2p({
      nodeInfo: { userAgent: AGENT },
      transports: [webSockets()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionProtector: network.swarmKey ? preSharedKey({ psk: encoder.encode(network.swarmKey) }) : undefined,
      connectionGater: { denyDialMultiaddr: () => false }, // nodes in a local network, too
      services: {
        identify: identify(),
        pubsub: gossipsub({
          globalSignaturePolicy: 'StrictNoSign',
          fallbackToFloodsub: false,
          msgIdFn: async m => (await sha256(concat(encoder.encode(m.topic), [0], m.data))).subarray(0, 20)
        })
      }
    })
    const { pubsub } = peer.node.services
    pubsub.topicValidators.set(peer.topic('block'), (from, m) => peer.hearBlock(from, m.data))
    pubsub.topicValidators.set(peer.topic('tx'), (from, m) => peer.hearPayment(m.data))
    await peer.node.handle(peer.protocol('status'), stream => peer.answerStatus(stream))
    await peer.node.handle(peer.protocol('sync'), stream => peer.answerSync(stream))
    pubsub.subscribe(peer.topic('block'))
    pubsub.subscribe(peer.topic('tx'))
    const { remotePeer } = await peer.node.dial(multiaddr(address))
    await peer.catchUp(remotePeer)
    while (!['block', 'tx'].every(name => pubsub.getSubscribers(peer.topic(name)).some(p => p.equals(remotePeer)))) {
      await new Promise(resolve => pubsub.addEventListener('subscription-change', resolve, { once: true }))
    }
    peer.timer = setInterval(() => peer.catchUp(remotePeer).catch(() => {}), ASK_EVERY)
    return peer
  }

  stop () {
    clearInterval(this.timer)
    return this.node.stop()
  }

  get id () { return this.node.peerId.toString() }
  get tip () { return this.blocks[this.blocks.length - 1] }

  protocol (name) { return `/kuai/${this.network.id}/${name}/1` }
  topic (name) { return `/kuai/${this.network.id}/${name}/1` }

  // status is what this peer says of its chain.
  status () {
    const agent = encoder.encode(AGENT)
    return concat(u16(1), bytes(this.blocks[0].hash), u64(this.tip.index), bytes(this.tip.hash), u64(Date.now()), [agent.length], agent)
  }

  async answerStatus (stream) {
    await frames(stream).next()
    stream.send(frame(this.status()))
    await stream.close()
  }

  // answerSync sends the blocks of the active chain that another node lacks: it may have missed one that this peer mined.
  async answerSync (stream) {
    const { value } = await frames(stream).next()
    const ask = view(value)
    const hash = at => hex(value.subarray(at, at + 32))
    const chain = this.blocks // as it is now, also if it grows meanwhile
    const places = new Map(chain.map(b => [b.hash, b.index]))
    const locator = Array.from({ length: value[48] }, (_, i) => places.get(hash(49 + 32 * i)))
    const fork = locator.length > 0 ? locator.find(index => index) ?? 1 : 0
    const from = Number(ask.getBigUint64(0)) || fork + 1
    const until = hash(16) === ZERO ? chain.length : places.get(hash(16)) ?? 1
    const count = Math.max(0, Math.min(until - from + 1, ask.getUint32(8), SPAN.count))
    stream.send(frame(concat(u64(fork), u64(from), u32(count), u64(chain.length), bytes(chain[chain.length - 1].hash))))
    let left = ask.getUint32(12)
    for (const { raw } of chain.slice(from - 1, from - 1 + count)) {
      if (!stream.send(frame(raw))) await stream.onDrain()
      left -= raw.length
      if (left <= 0) break
    }
    await stream.close()
  }

  // height returns the index of another node's tip, as it says.
  async height (from) {
    const stream = await this.node.dialProtocol(from, this.protocol('status'))
    stream.send(frame(this.status()))
    await stream.close()
    const { value } = await frames(stream).next()
    return Number(view(value).getBigUint64(34))
  }

  // catchUp adopts the chain of another node if it is longer. One such run is under way at a time.
  async catchUp (from) {
    if (this.catching) return
    this.catching = true
    try {
      for (let known = -1; known < this.tip.index && await this.height(from) > this.tip.index;) {
        known = this.tip.index
        await this.sync(from)
      }
    } finally {
      this.catching = false
    }
  }

  // sync asks for what follows the newest block that both have, and adopts it if the chain grows by it.
  async sync (from) {
    const locator = []
    for (let i = this.blocks.length - 1, gap = 1; i > 0 && locator.length < 63; i -= gap) {
      locator.push(bytes(this.blocks[i].hash))
      if (locator.length >= 10) gap *= 2
    }
    locator.push(bytes(this.blocks[0].hash))
    const stream = await this.node.dialProtocol(from, this.protocol('sync'))
    stream.send(frame(concat(u64(0), u32(SPAN.count), u32(SPAN.bytes), bytes(ZERO), [locator.length], ...locator)))
    await stream.close()
    const answer = frames(stream)
    const head = view((await answer.next()).value)
    const fork = Number(head.getBigUint64(0))
    const branch = this.blocks.slice(0, fork)
    for await (const raw of answer) {
      branch.push(await this.check(raw, branch[branch.length - 1]))
    }
    this.adopt(branch)
  }

  // check returns the block if it extends parent by the rules. It looks at all that a block can get wrong by accident; PROTOCOL.md has the whole table.
  async check (raw, parent) {
    const block = await parse(raw)
    const payments = block.transactions.slice(0, -1)
    const reward = block.transactions[block.transactions.length - 1]
    if (block.previous_hash !== parent.hash || block.index !== parent.index + 1) throw new Error(`block ${block.index} does not extend block ${parent.index}`)
    if (!await this.isProof(parent, block.proof)) throw new Error(`block ${block.index}: ${block.proof} is not a proof`)
    if (reward?.sender !== '0' || payments.some(t => t.sender === '0')) throw new Error(`block ${block.index}: the last transaction, and no other, is the reward`)
    return block
  }

  // adopt makes branch the active chain if it is longer, and gives back the payments of the blocks that leave it.
  adopt (branch) {
    if (branch.length <= this.blocks.length) return
    const left = this.blocks.filter((b, i) => branch[i]?.hash !== b.hash)
    const came = branch.filter((b, i) => this.blocks[i]?.hash !== b.hash)
    this.blocks = branch
    for (const b of left) {
      for (const t of b.transactions) this.mined.delete(t.id)
      for (const { 0: text, groups } of decoder.decode(b.raw).matchAll(PAYMENT)) this.pending.set(groups.id, text)
    }
    for (const t of came.flatMap(b => b.transactions)) {
      this.pending.delete(t.id)
      if (t.id) this.mined.add(t.id)
    }
    for (const b of came) this.onblock(b)
  }

  // hearBlock judges a block that gossip brings: accept passes it on.
  async hearBlock (from, raw) {
    try {
      const heard = JSON.parse(decoder.decode(raw))
      if (heard.transactions === undefined) { // the announcement of a large block, which its sender has
        this.catchUp(from).catch(() => {})
        return 'ignore'
      }
      if (heard.previous_hash !== this.tip.hash) {
        if (heard.index > this.tip.index) this.catchUp(from).catch(() => {})
        return 'ignore'
      }
      this.adopt([...this.blocks, await this.check(raw, this.tip)])
      return 'accept'
    } catch {
      return 'reject'
    }
  }

  // hearPayment judges a payment that gossip brings. What it passes on it answers for, so it ignores what it cannot judge.
  hearPayment (raw) {
    const text = decoder.decode(raw)
    const id = canonicalID(text)
    if (!id || this.pending.has(id) || this.mined.has(id) || this.pending.size >= MAX_PENDING) return 'ignore'
    this.pending.set(id, text)
    return 'accept'
  }

  // pay publishes a payment. The amount is a positive integer.
  async pay (sender, recipient, amount) {
    const id = hex(crypto.getRandomValues(new Uint8Array(16)))
    const text = paymentText(amount, id, recipient, sender)
    if (!Number.isSafeInteger(amount) || !canonicalID(text)) throw new Error(`${text} is invalid: give a positive integer and names of 1 to 256 bytes`)
    this.pending.set(id, text)
    await this.node.services.pubsub.publish(this.topic('tx'), encoder.encode(text))
    return id
  }

  // mine finds the next block, puts as many pending payments into it as gossip carries, the oldest first, and publishes it.
  async mine () {
    const parent = this.tip
    let proof = 0
    while (!await this.isProof(parent, proof)) {
      if (this.tip !== parent) return this.mine() // another block came first
      proof++
    }
    const reward = `{"amount": 1, "recipient": ${quote(this.id)}, "sender": "0"}`
    const begin = `{"index": ${parent.index + 1}, "previous_hash": "${parent.hash}", "proof": ${proof}, "timestamp": ${Math.floor(Date.now() / 1000)}.0, "transactions": [`
    const transactions = []
    let left = GOSSIP_BYTES - (begin + reward + ']}').length // all of it is ASCII
    for (const text of this.pending.values()) {
      left -= (text + ', ').length
      if (left < 0 || transactions.length === BLOCK_TRANSACTIONS - 1) break
      transactions.push(text)
    }
    const raw = encoder.encode(begin + [...transactions, reward].join(', ') + ']}')
    const block = await this.check(raw, parent)
    this.adopt([...this.blocks.slice(0, parent.index), block])
    await this.node.services.pubsub.publish(this.topic('block'), raw)
    return block
  }

  async isProof (parent, proof) {
    const sum = hex(await sha256(encoder.encode(`${parent.proof}${proof}${parent.hash}`)))
    return sum.startsWith('0'.repeat(this.network.zeros))
  }
}

// parse reads a block's canonical bytes, keeps them, and takes their hash.
async function parse (raw) {
  const block = JSON.parse(decoder.decode(raw))
  block.raw = raw.slice()
  block.hash = hex(await sha256(raw))
  return block
}

// PAYMENT matches the canonical text of a payment, its id, and its amount.
const PAYMENT = /\{"amount": (?<amount>[0-9.e+-]+), "id": "(?<id>[0-9a-f]{32})", "recipient": "(?:[^"\\]|\\.)*", "sender": "(?:[^"\\]|\\.)*"\}/g

// paymentText writes a payment as CPython does, if its amount is an integer.
function paymentText (amount, id, recipient, sender) {
  return `{"amount": ${amount}, "id": "${id}", "recipient": ${quote(recipient)}, "sender": ${quote(sender)}}`
}

// canonicalID returns the id of a payment if its text is valid, and of a form that JavaScript and CPython write alike; "" if not.
function canonicalID (text) {
  const [match] = text.matchAll(PAYMENT)
  if (match?.[0] !== text || text.length > 4096 || !isAmount(match.groups.amount)) return ''
  const { amount, id } = match.groups
  try {
    const { recipient, sender } = JSON.parse(text)
    const isName = name => name !== '' && name.isWellFormed() && encoder.encode(name).length <= 256
    return isName(recipient) && isName(sender) && sender !== '0' && paymentText(amount, id, recipient, sender) === text ? id : ''
  } catch { // an escape that JSON lacks
    return ''
  }
}

// isAmount reports whether the text is a number above 0 that both write alike: those with an exponent are left out.
function isAmount (text) {
  if (/^[1-9]\d{0,17}$/.test(text)) return true
  const n = Number(text)
  return n >= 1e-4 && n < 1e16 && text === (Number.isInteger(n) ? n + '.0' : String(n))
}

// quote writes a string in ASCII.
function quote (text) {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, c => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'))
}

// frame puts the length before a payload: seven bits a byte, the lowest first.
function frame (payload) {
  const length = []
  let n = payload.length
  for (; n > 127; n >>>= 7) length.push((n & 127) | 128)
  return concat(length, [n], payload)
}

// frames yields the payloads of a stream until the other side closes it.
async function * frames (stream) {
  let rest = new Uint8Array()
  for await (const chunk of stream) {
    rest = concat(rest, chunk.subarray())
    for (;;) {
      let [length, at] = [0, 0]
      while (at < rest.length && rest[at] > 127) length |= (rest[at] & 127) << (7 * at++)
      if (at === rest.length) break
      length |= rest[at] << (7 * at++)
      if (rest.length < at + length) break
      yield rest.subarray(at, at + length)
      rest = rest.subarray(at + length)
    }
  }
  if (rest.length > 0) throw new Error('the stream ended inside a frame')
}

async function sha256 (data) { return new Uint8Array(await crypto.subtle.digest('SHA-256', data)) }

function concat (...parts) {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const p of parts) { all.set(p, at); at += p.length }
  return all
}

function view (data) { return new DataView(data.buffer, data.byteOffset, data.length) }
function hex (data) { return Array.from(data, b => b.toString(16).padStart(2, '0')).join('') }
function bytes (text) { return Uint8Array.from(text.match(/../g), b => parseInt(b, 16)) }
function u16 (n) { return [n >> 8, n & 255] }
function u32 (n) { return bytes(n.toString(16).padStart(8, '0')) }
function u64 (n) { return bytes(n.toString(16).padStart(16, '0')) }
