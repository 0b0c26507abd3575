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
  code.textContent = text.length > 16 ? text.slice(0, 12) + "…" : text;
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
  const res = await fetch(path);
  if (!res.ok) throw new Error(path + ": " + res.status);
  // Where the browser knows it, an amount is shown as the chain spells it: 5.0 is not 5 there.
  return JSON.parse(await res.text(), (key, value, at) => (key === "amount" && at?.source) || value);
}

const when = (seconds) => new Date(seconds * 1000).toLocaleString();

async function showBlocks() {
  const page = await ask("/blocks?limit=10");
  const rows = page.blocks.reverse().map((v) => row([
    String(v.block.index), short(v.hash), String(Math.max(0, v.block.transactions.length - 1)),
    String(v.block.proof), when(v.block.timestamp), v.from ? short(v.from) : "this node",
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

async function showMining() {
  const m = await ask("/mining");
  at("mining").textContent = m.mode;
  at("searching").hidden = !m.searching;
  at("stop").hidden = !(mine && m.searching);
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

// Many events make one refresh of what they touch.
const due = new Set();
let timer = 0;
function refresh(...what) {
  what.forEach((w) => due.add(w));
  timer ||= setTimeout(async () => {
    const now = [...due];
    due.clear();
    const done = await Promise.allSettled(now.map((w) => w()));
    const bad = done.find((d) => d.status === "rejected");
    if (bad) say(bad.reason.message, true);
    timer = setTimeout(() => {
      timer = 0;
      if (due.size) refresh();
    }, 100);
  });
}
const everything = () => refresh(showNode, showMining, showBlocks, showPending, showPeers);

function say(text, bad) {
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

async function send(form, method, path, body, signal) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const headers = { Accept: "application/json" };
    if (body) headers["Content-Type"] = "application/json";
    if (at("token").value) headers.Authorization = "Bearer " + at("token").value;
    const res = await fetch(path, { method, headers, body, signal });
    if (res.status === 401) at("access").hidden = false;
    const answer = res.ok && form.id === "resolve" ? await verdict(res) : await res.json();
    if (res.ok) say(answer.index ? answer.message + ": " + answer.index : answer.message, false);
    else say(answer.detail + " " + answer.hint, true);
  } catch (err) {
    if (signal?.aborted) say("Stopped", false);
    else say("The node did not answer: " + err.message, true);
  } finally {
    button.disabled = false;
    everything();
  }
}

function on(id, action) {
  at(id).addEventListener("submit", (e) => {
    e.preventDefault();
    action(e.target, new FormData(e.target));
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
on("pay", (form, data) => {
  // The amount is sent as it was typed: a JavaScript number would lose digits, and 5.0 is not 5 on this chain.
  const amount = data.get("amount").trim().replace(/^0+(?=\d)/, "");
  send(form, "POST", "/transactions/new",
    '{"sender":' + JSON.stringify(data.get("sender")) + ',"recipient":' + JSON.stringify(data.get("recipient")) + ',"amount":' + amount + "}");
});

const live = new EventSource("/events");
live.onopen = () => { at("live").textContent = "live"; at("live").className = "on"; everything(); };
live.onerror = () => { at("live").textContent = "not connected, trying again"; at("live").className = "off"; };
live.addEventListener("block", () => refresh(showNode, showMining, showBlocks, showPending));
live.addEventListener("reorg", (e) => {
  const r = JSON.parse(e.data);
  say("Another branch is longer now: " + r.dropped + " blocks left the chain, " + r.returned + " payments are pending again.", false);
  everything();
});
live.addEventListener("transaction", () => refresh(showPending));
live.addEventListener("peer", () => refresh(showPeers));
live.addEventListener("mining", () => refresh(showMining));
live.addEventListener("reset", everything);
