// What the page knows of the node. Events say what has changed; it is asked for at most once at a time and four
// times a second, so that a node that makes 20 blocks a second costs no more than one that makes four. Views
// are told what has changed.

import { learnName } from "/web/dom.js";
import { ask } from "/web/node.js";
import * as blocks from "/web/blocks.js";

export const known = {
  node: null,
  mining: null,
  pending: null,
  peers: null,
  forks: null,
  live: "connecting", // "live", "lost"
  at: 0, // ms, when the node answered last
  trouble: "", // why the last question had no answer
};

// isNode reports whether an id is this node's, or a peer's.
export const isNode = (id) => id === known.node?.peer_id || Boolean(known.peers?.peers.some((p) => p.id === id));

const gap = 250; // ms between two rounds of questions
const retry = 2000; // ms after a question that had no answer

const questions = {
  async node() {
    known.node = await ask("/node");
    learnName(known.node.peer_id, known.node.name);
    await blocks.reach(known.node.height, known.node.tip);
  },
  async mining() {
    known.mining = await ask("/mining");
  },
  async pending() {
    known.pending = await ask("/transactions/pending?limit=100");
  },
  async peers() {
    known.peers = await ask("/peers?limit=200");
    for (const p of known.peers.peers) learnName(p.id, p.name);
  },
  async forks() {
    known.forks = await ask("/forks?limit=100");
  },
};
export const everything = Object.keys(questions);

const watchers = new Set();

// watch calls hear with the names of what has changed.
export const watch = (hear) => watchers.add(hear);

export function changed(...what) {
  const set = new Set(what);
  for (const hear of watchers) hear(set);
}

const due = new Set();
let busy = false;

// refresh asks for what has changed.
export function refresh(...what) {
  for (const w of what) due.add(w);
  if (!busy) round();
}

async function round() {
  busy = true;
  const now = [...due];
  due.clear();
  const done = await Promise.allSettled(now.map((w) => questions[w]()));
  const failed = now.filter((_, i) => done[i].status === "rejected");
  for (const w of failed) due.add(w);
  known.trouble = done.find((d) => d.status === "rejected")?.reason.message ?? "";
  if (failed.length < now.length) known.at = Date.now();
  changed(...now.filter((w) => !failed.includes(w)), "trouble");
  setTimeout(
    () => {
      busy = false;
      if (due.size && known.live !== "lost") round();
    },
    failed.length ? retry : gap,
  );
}
