// The view of mining: the search that runs against what is to be expected, how the node mines, and why a proof
// is valid.

import { at, fact, h, s, setText } from "/web/dom.js";
import { act, curlLine, say, send } from "/web/act.js";
import { about, duration, number, t } from "/web/i18n.js";
import { ask, secure, zeros } from "/web/node.js";
import * as blocks from "/web/blocks.js";
import { known, refresh } from "/web/store.js";
import { proofSteps } from "/web/proof.js";
import { sha256 } from "/web/sha256.js";

const mean = () => known.node?.pace?.tries ?? 16 ** zeros; // tries to a proof
const poll = 1000; // ms between two looks at a search that runs
let timer = 0;
let search = null; // the search that this page has asked for

function show() {
  const m = known.mining;
  if (!m) return;
  const tries = mean(),
    pace = known.node?.pace;
  setText(
    at("mining-lead"),
    pace
      ? t("mining.lead.secure", { mean: about(tries), seconds: number(pace.block_seconds) })
      : t("mining.lead", { n: zeros, mean: number(tries) }),
  );
  drawOdds(m.tries);
  const share = Math.round(100 * (1 - Math.exp(-m.tries / tries)));
  let text = t("mining.idle");
  if (m.searching)
    text = t("mining.running", {
      n: number(m.tries),
      share,
      left: m.expected === null ? "?" : duration(m.expected),
    });
  else if (m.tries) text = t("mining.last", { n: number(m.tries), share });
  setText(at("search-text"), text);
  at("odds").classList.toggle("running", m.searching);
  at("mining-facts").replaceChildren(
    fact(t("mining.rate"), m.rate ? t("mining.per", { n: about(m.rate) }) : "–"),
    fact(t("mining.expected"), m.expected === null ? "–" : duration(m.expected)),
    fact(t("mining.mined"), number(m.blocks)),
    fact(t("mining.stale"), number(m.stale)),
    fact(t("mining.total"), about(m.total)),
    fact(t("mining.waiting"), number(m.callers)),
    ...(pace
      ? [
          fact(t("mining.target"), h("code", { class: "hash" }, known.node.target)),
          fact(t("mining.pace"), pace.recent_seconds === null ? "–" : duration(pace.recent_seconds)),
        ]
      : []),
  );
  showStop(search && m.searching);
  if (!at("mode").contains(document.activeElement)) fillMode(m);
}

// showStop shows the button or hides it. A hidden button loses the focus: it goes to the one before.
function showStop(on) {
  if (!on && document.activeElement === at("stop")) at("mine").querySelector("button").focus();
  at("stop").hidden = !on;
}

function fillMode(m) {
  const form = at("mode"),
    [mode, seconds] = m.mode.split("=");
  form.mode.value = mode;
  if (seconds) form.seconds.value = Math.max(1, Math.round(parseDuration(seconds)));
  form.cores.value = m.cores;
  form.share.value = m.share;
}

// parseDuration reads Go's 1h2m3s, in seconds.
const parseDuration = (text) =>
  [...text.matchAll(/([0-9.]+)(ms|h|m|s)/g)].reduce(
    (sum, [, n, unit]) => sum + n * { ms: 0.001, s: 1, m: 60, h: 3600 }[unit],
    0,
  );

// drawOdds shows the tries of a search on a scale of three times what is to be expected. One unit is a pixel, so that the
// labels are as large as text is.
function drawOdds(tries) {
  const width = at("odds").clientWidth || 600, // 0 while another view is open
    scale = 3,
    x = (width * Math.min(scale, tries / mean())) / scale;
  const tick = (n) => [
    s("line", { x1: (width * n) / scale, y1: 30, x2: (width * n) / scale, y2: 74 }),
    s(
      "text",
      { x: (width * n) / scale, y: 94, class: n === scale ? "end" : n ? "" : "begin" },
      n ? n + " ×" + (n === 1 ? " " + t("odds.mean") : "") : "0",
    ),
  ];
  // How likely a search is to have ended by a number of tries, as a curve.
  const curve = Array.from(
    { length: 61 },
    (_, i) => `${i ? "L" : "M"}${(i * width) / 60} ${70 - 60 * (1 - Math.exp((-scale * i) / 60))}`,
  ).join("");
  at("odds").replaceChildren(
    s(
      "svg",
      {
        viewBox: `0 0 ${width} 104`,
        role: "img",
        "aria-label": t("odds.label", { n: number(tries), mean: about(mean()) }),
      },
      s("path", { class: "area", d: curve + `L${width} 70L0 70Z` }),
      s("path", { class: "curve", d: curve }),
      s("rect", { class: "track", y: 66, width, height: 8, rx: 4 }),
      s("rect", { class: "fill", y: 66, width: x, height: 8, rx: 4 }),
      [0, 1, 2, 3].map(tick),
      s("circle", { class: "here", cx: x, cy: 70, r: 7 }),
    ),
  );
}

// showWhy explains the proof of the newest block.
let explained = "";
async function showWhy(force) {
  if (explained === blocks.tip && !force) return;
  explained = blocks.tip;
  await blocks.load(blocks.height - 1, blocks.height + 1).catch(() => {});
  const b = blocks.get(blocks.height),
    parent = blocks.get(blocks.height - 1);
  at("why").replaceChildren(
    b && parent
      ? h(
          "div",
          {},
          h("p", {}, h("a", { href: "#/block/" + b.hash }, t("block.title", { n: number(b.index) }))),
          proofSteps(parent.proof, b.proof, b.previous, secure ? null : zeros),
        )
      : h("p", { class: "none" }, t("why.first")),
  );
}

export function open() {
  refresh("mining");
  show();
  showWhy();
  clearInterval(timer);
  timer = setInterval(() => {
    if (known.mining?.searching && !document.hidden && known.live === "live") refresh("mining");
  }, poll);
}

export function close() {
  clearInterval(timer);
  running = false;
}

export function update(what) {
  if (what.has("mining")) show();
  if (what.has("node")) showWhy();
}

export function relabel() {
  show();
  showWhy(true);
  at("tried").replaceChildren();
}

// modeText is a mode in the page's language.
export function modeText(mode) {
  const [kind, every] = mode.split("=");
  return t("mode." + kind) + (every ? " " + every : "");
}

// change is what the form of the mode asks for.
function change(data) {
  const mode = data.get("mode") === "interval" ? `interval=${data.get("seconds")}s` : data.get("mode");
  return {
    id: "setMining",
    body: JSON.stringify({ mode, cores: Number(data.get("cores")), share: Number(data.get("share")) }),
  };
}

const forged = (answer) =>
  answer.index
    ? t("mine.done", { n: number(answer.index) })
    : t("mine.done.many", { n: number(answer.blocks.length) });

// Own tries: the reader's numbers, on the work that the node has now.
let running = false;
let work = null;
let submits = null; // the command that makes a block of what was found

async function tryOne(form) {
  work = await ask("/mining/work");
  showTry(form, Number(form.proof.value));
}

function showTry(form, proof) {
  const { before, after } = work.text;
  at("tried").replaceChildren(proofSteps(before, proof, after, secure ? work.target : work.zeros));
  const found = sha256(`${before}${proof}${after}`) <= work.target;
  form.proof.value = found ? proof : proof + 1;
  offer(found);
  if (found) say(form, t("try.found", { n: number(proof) }), "good");
  else say(form, t("try.no", { n: number(proof) }));
  return found;
}

// offer shows how a block is made of the number that was found, or hides it.
function offer(found) {
  at("try-send").hidden = !found;
  submits.update();
  if (found) at("tried").before(submits);
  else submits.remove();
}

// run tries numbers one after the other, some in each of the browser's turns.
async function run(form) {
  if (running) {
    running = false;
    return;
  }
  running = true;
  work = await ask("/mining/work");
  setText(at("try-run"), t("try.pause"));
  while (running) {
    const { before, after } = work.text;
    let proof = Number(form.proof.value);
    const end = performance.now() + 30;
    while (performance.now() < end && sha256(`${before}${proof}${after}`) > work.target) proof++;
    if (work.parent.hash !== blocks.tip) {
      running = false;
      say(form, t("try.late"));
    } else if (showTry(form, proof)) running = false;
    await new Promise((r) => setTimeout(r));
  }
  setText(at("try-run"), t("try.run"));
}

export function start() {
  new ResizeObserver(() => known.mining && drawOdds(known.mining.tries)).observe(at("odds"));
  act(
    at("mine"),
    (_, example) => {
      if (!example) search = new AbortController();
      return { id: "mineBlocks" };
    },
    {
      then: forged,
      signal: () => search.signal,
      done: () => {
        search = null;
      },
      below: at("mine-actions"),
    },
  );
  at("stop").addEventListener("click", () => search?.abort());
  act(at("mine-next"), () => ({ id: "mineBlocks" }), { then: forged });
  act(at("mine-ten"), () => ({ id: "mineBlocks", body: '{"blocks": 10}' }), {
    then: forged,
    below: at("mine-actions").nextElementSibling,
  });
  act(at("mode"), change, { then: (m) => t("mode.done", { mode: modeText(m.mode) }) });
  const form = at("try");
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    running = false;
    tryOne(form).catch((error) => say(form, error.message, "bad"));
  });
  at("try-run").addEventListener("click", () =>
    run(form).catch((error) => {
      running = false;
      say(form, error.message, "bad");
    }),
  );
  const found = () => {
    const tried = Number(form.proof.value),
      proof = work?.root ? `${work.root}.${tried}` : tried;
    return work && { id: "submitProof", body: JSON.stringify({ parent: work.parent.hash, proof }) };
  };
  submits = curlLine(found);
  at("tried").before(curlLine(() => ({ id: "getWork" })));
  at("try-send").addEventListener("click", () => {
    send(
      form,
      found(),
      (answer) => t("mine.done", { n: number(answer.block.index) }),
      undefined,
      () => {
        offer(false);
      },
    );
  });
}
