"use strict";
// The page shows what the node says and sends what the user asks for. All text from the chain goes through textContent.

const at = (id) => document.getElementById(id);

function row(cells) {
  const tr = document.createElement("tr");
  for (const cell of cells) {
    const td = document.createElement("td");
    td.append(cell);
    tr.append(td);
  }
  return tr;
}

function short(text) {
  const code = document.createElement("code");
  const letters = [...text]; // code points: a letter may be two units of a string
  code.textContent = letters.length > 16 ? letters.slice(0, 12).join("") + "…" : text;
  code.title = text;
  return code;
}

function fill(id, rows, none) {
  if (!rows.length) {
    rows = [row([none])];
    rows[0].firstChild.colSpan = 6;
  }
  at(id).replaceChildren(...rows);
}

async function ask(path) {
  const res = await fetch(path).catch(() => { throw new Error("The node does not answer."); });
  if (!res.ok) throw new Error(path + ": " + reason(res, await problem(res)));
  // Where the browser knows it, an amount is shown as the chain spells it: 5.0 is not 5 there.
  return JSON.parse(await res.text(), (key, value, at) => (key === "amount" && at?.source) || value);
}

// A refusal of the node is JSON; one of a proxy before it may be anything.
const problem = (res) => res.json().catch(() => ({}));
const reason = (res, answer) => [answer.detail ?? "status " + res.status, answer.hint].filter(Boolean).join(" ");

const when = (seconds) => new Date(seconds * 1000).toLocaleString();

// The miner is whom the block's reward pays. The first block has none.
function miner(block) {
  const reward = block.transactions.findLast((t) => t.sender === "0");
  return reward ? short(reward.recipient) : "";
}

async function showBlocks() {
  const page = await ask("/blocks?limit=10");
  const rows = page.blocks.reverse().map((v) => row([
    String(v.block.index), short(v.hash), String(Math.max(0, v.block.transactions.length - 1)), miner(v.block),
    v.from ? short(v.from) : "this node", String(v.block.proof), when(v.block.timestamp),
  ]));
  fill("blocks", rows, "none");
}

async function showPending() {
  const pool = await ask("/transactions/pending?limit=20");
  at("pending").textContent = pool.count;
  fill("payments", pool.transactions.map((t) => row([short(t.sender), short(t.recipient), String(t.amount), short(t.id)])), "none");
}

async function showPeers() {
  const all = await ask("/peers");
  const on = all.peers.filter((p) => p.connected);
  at("peers").textContent = on.length;
  const rows = on.map((p) => row([short(p.id), String(p.height), p.latency_ms === null ? "" : p.latency_ms.toFixed(1) + " ms", p.direction, p.agent]));
  for (const n of all.nodes.filter((n) => n.state !== "connected")) rows.push(row([short(n.address), "", "", n.state, ""]));
  fill("others", rows, "none: start a second node, or connect one above");
}

async function showNode() {
  const n = await ask("/node");
  at("height").textContent = n.height;
  at("tip").textContent = n.tip;
  at("id").textContent = n.peer_id;
  document.title = n.height + " · kuai";
}

const count = (n) => n.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });

// A time as people say it: 5 ms, 51 s, 14 min.
function duration(seconds) {
  const units = [["ms", 0.001, 1], ["s", 1, 120], ["min", 60, 7200], ["h", 3600, 172800], ["days", 86400, 31536000]];
  const unit = units.find((u) => seconds < u[2]);
  return unit ? Math.round(seconds / unit[1]) + " " + unit[0] : "more than a year";
}

let mine = null; // the search that this page has asked for

// showStop shows the button or hides it. A hidden button loses the focus: it goes to the one before.
function showStop(on) {
  if (!on && document.activeElement === at("stop")) at("mine").querySelector("button").focus();
  at("stop").hidden = !on;
}

async function showMining() {
  const m = await ask("/mining");
  at("mining").textContent = m.mode;
  at("searching").hidden = !m.searching;
  showStop(mine && m.searching);
  if (!m.searching) return;
  let text = count(m.tries) + " tries at " + count(m.rate) + "/s on " + m.cores + (m.cores === 1 ? " core" : " cores");
  const bar = at("searching").querySelector("progress");
  bar.removeAttribute("value");
  if (m.expected) {
    // A search has no end to run towards. The bar says how many of all searches are over after so many tries.
    bar.value = 1 - Math.exp(-m.tries / (m.rate * m.expected));
    bar.title = Math.floor(100 * bar.value) + " % of all searches are over by now";
    text += ", a block takes " + duration(m.expected) + " on average";
  }
  at("search").textContent = text;
}

// Many events make one refresh of what they touch. What failed is asked for again, as long as the node is there.
const due = new Set();
let timer = 0;
function refresh(...what) {
  what.forEach((w) => due.add(w));
  timer ||= setTimeout(async () => {
    const now = [...due];
    due.clear();
    const done = await Promise.allSettled(now.map((w) => w()));
    const bad = now.filter((w, i) => done[i].status === "rejected");
    bad.forEach((w) => due.add(w));
    failure = done.find((d) => d.status === "rejected")?.reason.message ?? "";
    showTrouble();
    timer = setTimeout(() => {
      timer = 0;
      if (due.size && !lost) refresh();
    }, bad.length ? 2000 : 100);
  });
}
const everything = () => refresh(showNode, showMining, showBlocks, showPending, showPeers);

let lost = false; // the node does not answer
let failure = ""; // of the last refresh
function showTrouble() {
  at("trouble").textContent = lost ? "The node does not answer. This page shows what was last known, and tries again by itself." : failure;
}

let unanswered = false; // what is said is that the node did not answer
function say(text, bad) {
  unanswered = false;
  at("said").textContent = text;
  at("said").className = bad ? "bad" : "";
}

// The answer to resolve is the whole chain. Whether it was replaced is said at its start, so the rest is not awaited.
async function verdict(res) {
  const reader = res.body.getReader();
  let start = "";
  while (start.length < 24) {
    const { done, value } = await reader.read();
    if (done) break;
    start += new TextDecoder().decode(value);
  }
  reader.cancel();
  return { message: start.startsWith('{"message"') ? "Our chain was replaced" : "Our chain is authoritative" };
}

// send returns the answer's status, 0 when none came. A disabled button would lose the focus: it is only marked, and busy holds its form.
const busy = new Set();
async function send(form, method, path, body, signal) {
  const button = form.querySelector("button");
  busy.add(form);
  button.setAttribute("aria-disabled", "true");
  try {
    const headers = { Accept: "application/json" };
    if (body) headers["Content-Type"] = "application/json";
    if (at("token").value) headers.Authorization = "Bearer " + at("token").value;
    const res = await fetch(path, { method, headers, body, signal });
    if (res.status === 401) askToken();
    const answer = res.ok && form.id === "resolve" ? await verdict(res) : await problem(res);
    if (res.ok) say(answer.index ? answer.message + ": " + answer.index : answer.message, false);
    else say(reason(res, answer), true);
    return res.status;
  } catch {
    if (signal?.aborted) say("Stopped", false);
    else {
      say("The node did not answer. Try again when it is back" + (form.id === "pay" ? ": the payment counts once." : "."), true);
      unanswered = true;
    }
    return 0;
  } finally {
    busy.delete(form);
    button.removeAttribute("aria-disabled");
    uncover();
    everything();
  }
}

// The notes cover the lower end of the window: what has the focus must not be behind them.
function uncover() {
  if (document.activeElement === document.body) return;
  const hidden = document.activeElement.getBoundingClientRect().bottom - at("notes").getBoundingClientRect().top;
  if (hidden > 0) window.scrollBy(0, hidden + 8);
}

function askToken() {
  at("access").hidden = false;
  at("token").focus();
}

function on(id, action) {
  at(id).addEventListener("submit", (e) => {
    e.preventDefault();
    if (!busy.has(e.target)) action(e.target, new FormData(e.target));
  });
}

on("access", () => {});
on("mine", async (form) => {
  mine = new AbortController();
  await send(form, "POST", "/mine", undefined, mine.signal);
  mine = null;
});
at("stop").addEventListener("click", () => mine?.abort());
on("resolve", (form) => send(form, "GET", "/nodes/resolve"));
on("join", (form, data) => send(form, "POST", "/nodes/register", JSON.stringify({ nodes: [data.get("node").trim()] })));

// A payment that was not answered, or failed in the node, keeps its id when it is sent again, so that it counts once.
let attempt = null;
on("pay", async (form, data) => {
  // The amount is sent as it was typed: a JavaScript number would lose digits, and 5.0 is not 5 on this chain.
  const amount = data.get("amount").trim().replace(/^0+(?=\d)/, "");
  const text = '{"sender":' + JSON.stringify(data.get("sender")) + ',"recipient":' + JSON.stringify(data.get("recipient")) + ',"amount":' + amount;
  if (attempt?.text !== text) attempt = { text, id: draw() };
  const status = await send(form, "POST", "/transactions/new", text + ',"id":"' + attempt.id + '"}');
  if (status && status < 500) attempt = null;
});

// draw returns a random payment id, 32 hex digits.
const draw = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

const heard = {
  open() {
    lost = false;
    at("live").textContent = "live";
    at("live").className = "on";
    if (unanswered) say("", false);
    everything();
  },
  lost() {
    lost = true;
    at("live").textContent = "not connected, trying again";
    at("live").className = "off";
    showTrouble();
  },
  block() { refresh(showNode, showMining, showBlocks, showPending); },
  reorg(text) {
    const r = JSON.parse(text);
    say("Another branch is longer now: " + r.dropped + " blocks left the chain, " + r.returned + " payments are pending again.", false);
    everything();
  },
  transaction() { refresh(showPending); },
  peer() { refresh(showPeers); },
  mining() { refresh(showMining); },
  reset: everything,
};

// follow hears the node's events by the worker that all tabs share, or by itself in a browser that has none.
function follow() {
  const hear = (name, text) => heard[name](text);
  if (!window.SharedWorker) return connect(hear);
  const worker = new SharedWorker("/web/live.js");
  worker.onerror = () => connect(hear);
  worker.port.onmessage = (e) => hear(e.data.name, e.data.text);
  window.addEventListener("pagehide", (e) => e.persisted || worker.port.postMessage("closed"));
}

everything();
follow();
