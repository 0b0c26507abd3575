// The view of forks: the branches that this node knows, drawn as they grow, and what reorgs have done, told and
// played again.

import { at, emptyRow, h, hashLink, nodeName, row, setText, short } from "/web/dom.js";
import { curlLine } from "/web/act.js";
import { clock, number, remember, t } from "/web/i18n.js";
import { askText, genesis, parse } from "/web/node.js";
import * as blocks from "/web/blocks.js";
import { known, refresh } from "/web/store.js";
import { lanesOf, Tree } from "/web/tree.js";

const span = 60; // heights that are drawn at most
const usual = 12; // heights that are drawn without forks
const branchesDrawn = 8;
const storiesKept = 20;
const poll = 2000; // ms: a side branch that grows sends no event
const frame = 650; // ms of a step when a reorg is played again

const held = new Map(); // blocks by hash, of side branches
let tree = null;
let playing = 0; // counts what is played; the live drawing waits while it is not 0
let timer = 0;

// block returns a block by its hash.
async function block(hash) {
  if (!held.has(hash)) {
    if (held.size > 1000) held.clear();
    held.set(hash, blocks.brief(parse(await askText("/blocks/" + hash))));
  }
  return held.get(hash);
}

// back returns the blocks from a hash back to a height, the oldest first, at most as many as are drawn.
async function back(hash, to) {
  const run = [];
  for (let b = await block(hash); b.index > to && run.length < span; b = await block(b.previous)) {
    run.unshift(b);
    if (b.index === to + 1) break;
  }
  return run;
}

// model gathers what is drawn: the end of the active chain, and the branches that leave it there.
async function model() {
  const high = blocks.height;
  const near = (known.forks?.forks ?? []).filter((f) => f.fork_point.index > high - span).slice(0, branchesDrawn);
  const low = Math.max(1, Math.min(high - usual + 1, ...near.map((f) => f.fork_point.index)));
  await blocks.load(low, high + 1);
  const drawn = [];
  for (let i = low; i <= high; i++) if (blocks.get(i)) drawn.push({ ...blocks.get(i), lane: 0, kind: "active" });
  const lanes = lanesOf(near.map((f) => ({ from: f.fork_point.index, to: f.tip.index })));
  const seen = new Set(drawn.map((b) => b.hash));
  for (const [i, f] of near.entries()) {
    for (const b of await back(f.tip.hash, f.fork_point.index)) {
      if (!seen.has(b.hash)) drawn.push({ ...b, lane: lanes[i], kind: "side" });
      seen.add(b.hash);
    }
  }
  return { low, blocks: drawn };
}

let drawing = false,
  again = false;
async function draw() {
  if (playing || !blocks.height) return;
  if (drawing) {
    again = true;
    return;
  }
  drawing = true;
  try {
    const m = await model();
    tree ??= new Tree(at("tree"));
    if (!playing && m.blocks.length) tree.draw(m);
    showEdges();
    if (!playing)
      setText(
        at("tree-story"),
        known.forks?.count
          ? t("forks.now", { n: number(known.forks.count) })
          : t("forks.none"),
      );
  } catch {
    /* a block may have been dropped meanwhile, or the node is away: the next event draws */
  }
  drawing = false;
  if (again) {
    again = false;
    draw();
  }
}

function showBranches() {
  const all = known.forks?.forks ?? [];
  const rows = all.map((f) =>
    row(
      hashLink(f.tip.hash, number(f.tip.index) + " · " + f.tip.hash.slice(0, 8)),
      { number: number(f.length) },
      hashLink(f.fork_point.hash, number(f.fork_point.index)),
    ),
  );
  at("branches").replaceChildren(...(rows.length ? rows : [emptyRow(3, t("forks.none.table"))]));
}

// Stories of reorgs are kept in this browser: the node does not keep them.
const key = () => "kuai-reorgs-" + genesis.slice(0, 16);
let stories = null;

function storiesNow() {
  return (stories ??= saved() ?? []);
}

function saved() {
  try {
    return JSON.parse(localStorage.getItem(key()));
  } catch {
    return null;
  }
}

// tell keeps the story of a reorg.
export async function tell(event) {
  const point = event.old.index - event.dropped;
  const story = {
    at: Date.now() / 1000,
    hash: event.hash,
    index: event.index,
    old: event.old,
    dropped: event.dropped,
    returned: event.returned,
    unpaid: event.unpaid,
    from: event.from,
    point,
    miner: "",
    ours: "",
    first: "",
  };
  try {
    story.miner = (await block(event.hash)).miner;
    story.ours = (await block(event.old.hash)).miner;
    story.first = await firstSeen(story);
  } catch {
    /* told without names */
  }
  keep(story);
  return words(story);
}

function keep(story) {
  const others = saved() ?? storiesNow(); // another tab may have told it
  stories = [story, ...others.filter((r) => r.hash !== story.hash || r.old?.hash !== story.old?.hash)].slice(0, storiesKept);
  remember(key(), JSON.stringify(stories));
  showStories();
}

// firstSeen tells whose first block this node had first, "" if it does not know.
async function firstSeen(r) {
  const [[ours], [theirs]] = await Promise.all([back(r.old.hash, r.point), back(r.hash, r.point)]);
  if (ours?.previous !== theirs?.previous || !ours?.received || !theirs.received || ours.received === theirs.received) return "";
  return ours.received < theirs.received ? "ours" : "theirs";
}

// tellLeft keeps the stories of branches that peers have left for ours, each once, and returns the newest that is new.
export function tellLeft(branches) {
  const fresh = branches.filter((b) => !storiesNow().some((r) => r.hash === b.tip));
  for (const b of fresh)
    if (!storiesNow().some((r) => r.hash === b.tip))
      keep({ at: Date.parse(b.at) / 1000, hash: b.tip, left: b.peer, index: b.height, point: b.fork ?? 0 });
  return fresh.length ? words(stories[0]) : "";
}

const name = (id) => (id ? short(nodeName(id)) : t("block.self"));

// words tells a reorg.
function words(r) {
  if (r.left)
    return t(r.point ? "left.story.fork" : "left.story", {
      n: number(r.index - r.point),
      point: number(r.point),
      index: number(r.index),
      peer: name(r.left),
    });
  return t("reorg.story", {
    miner: name(r.miner),
    ours: name(r.ours),
    index: number(r.index),
    point: number(r.point),
    first: r.first ? t("reorg.first." + r.first) : "",
    length: blocksText(r.index - r.point),
    dropped: blocksText(r.dropped),
    returned: t(r.returned === 0 ? "reorg.returned.none" : "reorg.returned", { n: number(r.returned) }),
    unpaid: r.unpaid ? t("reorg.unpaid", { n: number(r.unpaid) }) : "",
    from: r.from && r.from !== r.miner ? t("reorg.from", { from: name(r.from) }) : "",
  });
}

const blocksText = (n) => t("blocks.many", { n: number(n) });

function showStories() {
  const items = storiesNow().map((r) =>
    h(
      "li",
      {},
      h("p", {}, h("time", {}, clock(r.at)), " ", words(r)),
      !r.left && h("button", { type: "button", class: "second", onclick: () => play(r) }, t("reorg.play")),
    ),
  );
  at("reorgs").replaceChildren(...(items.length ? items : [h("li", { class: "none" }, t("reorg.none"))]));
}

// play shows a reorg step by step, in the order in which this node got the blocks.
async function play(r) {
  const mine = ++playing;
  let before, old, next;
  try {
    [old, next] = await Promise.all([back(r.old.hash, r.point), back(r.hash, r.point)]);
    before = (old[0] ?? next[0]).previous;
    before = await back(before, Math.max(0, r.point - 3));
  } catch (e) {
    setText(at("tree-story"), e.message);
    playing = 0;
    return;
  }
  at("tree").dataset.playing = "true";
  at("tree").scrollIntoView({ block: "nearest" });
  tree = new Tree(at("tree"));
  const low = before[0]?.index ?? r.point;
  const shown = before.map((b) => ({ ...b, lane: 0, kind: "active" }));
  const coming = [
    ...old.map((b) => ({ ...b, lane: 0, kind: "active" })),
    ...next.map((b) => ({ ...b, lane: 1, kind: "side" })),
  ].sort((a, b) => (a.received ?? 0) - (b.received ?? 0));
  for (const b of coming) {
    shown.push(b);
    tree.draw({ low, blocks: shown });
    setText(
      at("tree-story"),
      t(b.lane ? "reorg.step.side" : "reorg.step.active", { n: number(b.index), miner: name(b.miner) }),
    );
    await pause();
    if (mine !== playing) return;
  }
  for (const b of shown)
    if (b.index > r.point) Object.assign(b, b.lane ? { lane: 0, kind: "active" } : { lane: 1, kind: "side" });
  tree.draw({ low, blocks: shown });
  setText(at("tree-story"), words(r));
  await pause(4);
  if (mine !== playing) return;
  stop();
}

const pause = (n = 1) => new Promise((r) => setTimeout(r, frame * n));

// stop goes back to the live drawing.
function stop() {
  playing = 0;
  delete at("tree").dataset.playing;
  tree = null;
  draw();
}

// showEdges shows a button where there is more of the drawing than is seen.
function showEdges() {
  const box = at("tree"),
    more = { older: box.scrollLeft, newer: box.scrollWidth - box.clientWidth - box.scrollLeft };
  for (const [side, hides] of Object.entries(more)) {
    const button = at("tree-" + side);
    if (hides < 2 && document.activeElement === button) box.focus(); // a hidden button loses the focus
    button.hidden = hides < 2;
  }
}

export function open() {
  refresh("forks");
  showStories();
  showBranches();
  draw();
  clearInterval(timer);
  timer = setInterval(() => {
    if (!document.hidden && known.live === "live") refresh("forks");
  }, poll);
}

export function close() {
  clearInterval(timer);
  if (playing) stop();
}

export function update(what) {
  if (what.has("forks")) showBranches();
  if (what.has("forks") || what.has("node")) draw();
}

export function relabel() {
  showStories();
  showBranches();
  if (tree && !playing) tree = null;
  draw();
}

export function start() {
  at("tree").addEventListener("scroll", showEdges, { passive: true });
  new ResizeObserver(showEdges).observe(at("tree"));
  for (const [side, way] of Object.entries({ older: -1, newer: 1 }))
    at("tree-" + side).addEventListener("click", () => at("tree").scrollBy({ left: way * 0.8 * at("tree").clientWidth }));
  at("forks-curl").append(curlLine(() => ({ id: "getForks" })));
}
