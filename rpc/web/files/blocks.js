// Blocks of the active chain, as far as they have been looked at, without their payments: a chain may have
// 100,000 blocks.

import { ask, firstBlocks } from "/web/node.js";

const page = 50; // blocks of one question
const most = 5000; // kept; beyond it those farthest from what is looked at are forgotten

const held = new Map(); // by index
export let height = 0;
export let tip = "";

export const get = (index) => held.get(index);

// byHash returns a held block whose hash begins so.
export const byHash = (start) => [...held.values()].find((b) => b.hash.startsWith(start));

// brief is what the page keeps of a block. Its miner is whom the reward pays; the first block has none, and what it
// gives to accounts is not a payment.
export function brief(info) {
  const b = info.block;
  const reward = b.transactions.findLast((p) => p.sender === "0");
  return {
    index: b.index,
    hash: info.hash,
    previous: b.previous_hash,
    proof: b.proof,
    timestamp: Number(b.timestamp),
    from: info.from,
    received: info.received,
    payments: b.transactions.filter((p) => p.sender !== "0").length,
    given: b.index === 1 ? b.transactions.length : 0, // accounts that begin with a balance
    miner: (b.index > 1 && reward?.recipient) || "",
    active: info.branch === "active",
  };
}

// load asks for the blocks [from, to) that are missing, page by page. If the chain turns out to be another one,
// what was held is dropped.
export async function load(from, to) {
  from = Math.max(1, from);
  while (from < to && held.has(from)) from++;
  while (to > from && held.has(to - 1)) to--;
  for (; from < to; from += page) {
    const answer = await ask(`/blocks?from=${from}&limit=${Math.min(page, to - from)}`);
    for (const info of answer.blocks) keep(brief(info));
  }
}

// begin keeps the blocks that the page was sent with.
export function begin() {
  for (const info of firstBlocks()) keep(brief(info));
}

function keep(block) {
  const before = held.get(block.index - 1),
    after = held.get(block.index + 1);
  if (before && before.hash !== block.previous) forget(0, block.index);
  if (after && after.previous !== block.hash) forget(block.index + 1, Infinity);
  held.set(block.index, block);
  if (held.size > most)
    for (const index of held.keys()) if (Math.abs(index - block.index) > most / 4) held.delete(index);
}

function forget(from, to) {
  for (const index of held.keys()) if (index >= from && index < to) held.delete(index);
}

// leave forgets the blocks after a fork point, as a reorg has dropped them.
export const leave = (point) => forget(point + 1, Infinity);

// reach takes note of the chain's end, and loads what is new of it.
export async function reach(newHeight, newTip) {
  const newest = 24; // that a strip may show at once
  forget(newHeight + 1, Infinity);
  if (held.get(newHeight) && held.get(newHeight).hash !== newTip) forget(0, Infinity);
  await load(Math.max(newHeight - newest + 1, 1), newHeight + 1);
  height = newHeight;
  tip = newTip;
}
