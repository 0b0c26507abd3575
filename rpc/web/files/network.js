// The view of the network: this node and its peers as a map and as a table, and the ways to connect.

import { addressLink, at, emptyRow, h, isAddress, nodeName, place, row, setText, short, who } from "/web/dom.js";
import { act, curlLine, mark, say, send, updateLines } from "/web/act.js";
import { language, number, t } from "/web/i18n.js";
import { secure } from "/web/node.js";
import { drawMap, drawnPeers, pulse, strangers } from "/web/map.js";
import * as invite from "/web/invite.js";
import { known, refresh } from "/web/store.js";

const named = 4; // nodes that a cell lists by name
const poll = 3000; // ms: latencies and heights of peers send no events
let timer = 0;
let wanted = ""; // the node that the address names
let shown = ""; // the one that is in sight
let told = ""; // the peer whose button's curl is shown

const order = (p) => (p.connected ? 0 : 1);

function show() {
  if (!known.peers || !known.node) return;
  const peers = [...known.peers.peers].sort((a, b) => order(a) - order(b) || (a.id < b.id ? -1 : 1));
  drawMap(at("map"), known.node.peer_id, peers);
  const extra = peers.length - drawnPeers;
  const far = strangers(known.node.peer_id, peers);
  const caption = [t("network.caption")];
  if (far.size || peers.some((p) => p.knows)) caption.push(t("network.theirs"));
  if (extra > 0) caption.push(t("network.more", { n: number(extra) }));
  setText(at("map-caption"), caption.join(" "));
  const rows = peers.map(peerRow);
  for (const [id, by] of far) if (!peers.some((p) => p.id === id)) rows.push(farRow(id, by));
  const titles = [...at("others").previousElementSibling.querySelectorAll("th")].map((th) => th.textContent);
  for (const r of rows)
    for (const [i, cell] of [...r.cells].entries()) {
      if (i > 1 && i < titles.length - 1) cell.dataset.column = titles[i]; // said on a phone, which has no row of titles
      cell.classList.toggle("empty", cell.textContent === "–" || cell.textContent === "");
    }
  refill(rows);
  follow();
  showFound();
  at("addresses").replaceChildren(...known.node.addresses.map((a) => h("li", {}, h("code", { class: "hash" }, a))));
  if (known.node.dialable) at("addresses").append(h("li", { class: "hint" }, outside(known.node.dialable)));
}

// refill puts the rows into the table. The focus stays with the button of its peer; if that has gone, it goes to the button in its
// place, and after the last one to the heading.
function refill(rows) {
  const buttons = () => [...at("others").querySelectorAll("button")],
    name = (b) => b.dataset.act + b.dataset.peer;
  const place = buttons().indexOf(document.activeElement),
    focused = place < 0 ? "" : name(document.activeElement);
  at("others").replaceChildren(...(rows.length ? rows : [emptyRow(7, t("network.none"))]));
  if (place < 0) return;
  const all = buttons();
  const next = all.find((b) => name(b) === focused) ?? all[Math.min(place - (place % 2), all.length - 2)] ?? at("others-title");
  next.focus();
}

// showFound tells of the node that the address names, and marks its row.
function showFound() {
  at("found").hidden = !wanted;
  if (!wanted) return;
  const name = nodeName(wanted),
    line = [...at("others").rows].find((r) => r.dataset.id === wanted),
    kind = wanted === self() ? "found.self" : line ? "found.peer" : "found.none";
  line?.classList.add("found");
  const now = [wanted, name, kind, language].join();
  if (shown === now) return;
  const first = !shown;
  shown = now;
  const addresses = [...addressesOf(wanted)];
  at("found").replaceChildren(
    t(kind, { name: short(name) }) + " " + (addresses.length ? t("found.payments") + " " : ""),
    ...addresses.flatMap((a, i) => [i ? t("list.comma") : "", h("a", { href: "#/address/" + encodeURIComponent(a) }, who(a))]),
  );
  if (first) at("found").scrollIntoView({ block: "center" });
}

// addressesOf are those under which a node's payments may be found. On a classic network each name is an address; on a secure one a node's
// id is none, and another node's address is not known.
function addressesOf(id) {
  if (!secure) return new Set([id, nodeName(id)]);
  return new Set(id === self() && known.node.rewards ? [known.node.rewards] : []);
}

// nodeLink shows a node, with a link to its payments if its id is an address.
const nodeLink = (id) => (secure ? who(id) : addressLink(id));

const self = () => known.node?.peer_id;

// outside reports whether others can dial this node, at which address, and who found so.
function outside(d) {
  const key = d.state === "no" && !d.address ? "closed" : d.state;
  return t("dialable." + key, { address: d.address, by: nodeName(d.by) });
}

// isFlask reports whether a URL leads to a Flask node.
const isFlask = (p) => !p.id && known.peers.nodes.some((n) => n.kind === "flask" && n.url === p.address);

function peerRow(p) {
  const state = p.connected ? t("peer." + (p.direction || "connected")) + (p.reason ? ", " + p.reason : "") : isFlask(p) ? t("peer.flask") : p.state;
  const label = p.id || p.address;
  const cells = row(
    p.id ? nodeLink(p.id) : place(p.address),
    h("span", { class: "state " + (p.connected ? "on" : "off") }, state),
    { number: p.height ? number(p.height) : "–" },
    { number: p.latency_ms === null ? "–" : p.latency_ms.toFixed(1) + " " + t("unit.ms") },
    namesCell(p.knows),
    p.agent || "–",
    p.connected ? leave(label, "peer.disconnect") : p.static ? leave(label, "peer.forget") : "",
  );
  cells.dataset.id = p.id;
  return cells;
}

// namesCell lists some nodes, and counts the others.
function namesCell(ids) {
  if (!ids?.length) return "–";
  const list = ids.map((id) => (id === known.node.peer_id ? t("map.self") : short(nodeName(id))));
  const rest = list.length - named;
  const text = list.slice(0, named).join(t("list.comma")) + (rest > 0 ? " " + t("list.more", { n: number(rest) }) : "");
  return h("span", { class: "names", title: ids.map(nodeName).join("\n") }, text);
}

// farRow is a node that only peers know.
function farRow(id, by) {
  const cells = row(
    nodeLink(id),
    h("span", { class: "state off" }, t("peer.heard")),
    { number: "–" },
    { number: "–" },
    namesCell(by),
    "–",
    "",
  );
  cells.dataset.id = id;
  return cells;
}

// leave is the button that disconnects a peer or forgets a registered node.
function leave(id, text) {
  const label = isAddress(id) ? short(nodeName(id)) : id;
  return h(
    "form",
    {
      onsubmit: async (e) => {
        e.preventDefault();
        const status = await send(e.target, { id: "disconnectPeer", parameters: { id } }, () => "");
        if (status === 204) {
          say(at("others-said"), t("peer.left", { name: label }), "good");
          if (followed) say(at("join"), "");
          followed = "";
        } // The table is filled anew every few seconds: what its forms say does not last.
        else say(at("others-said"), e.target.querySelector(".answer").textContent, "bad");
        if ([document.body, at("others-title")].includes(document.activeElement)) at("others-said").focus();
      },
    },
    h("button", { class: "second small", "data-act": "leave", "data-peer": id, "aria-label": t(text) + " " + label }, t(text)),
    h(
      "button",
      { type: "button", class: "quiet small", "data-act": "curl", "data-peer": id, "aria-label": t("curl.title") + ": " + t(text) + " " + label, onclick: () => tell(id) },
      "curl",
    ),
    h("output", { class: "answer" }),
  );
}

// tell shows the command of a peer's button.
function tell(id) {
  const first = !told;
  told = id;
  if (first) at("others-curl").append(curlLine(() => ({ id: "disconnectPeer", parameters: { id: told }, about: short(nodeName(told)) })));
  updateLines();
  const line = at("others-curl").lastElementChild;
  line.open = true;
  line.querySelector("summary").focus();
}

export function open(_, id) {
  wanted = id;
  shown = "";
  refresh("peers");
  show();
  clearInterval(timer);
  timer = setInterval(() => {
    if (!document.hidden && known.live === "live") refresh("peers");
  }, poll);
}

export const close = () => clearInterval(timer);

export function update(what) {
  if (what.has("peers") || what.has("node")) show();
}

export const heard = (kind, from) => pulse(kind, from);

export function relabel() {
  show();
  refresh("peers"); // the node says in words why a peer is not connected
  invite.relabel();
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
  return t(start.startsWith('{"message"') ? "resolve.replaced" : "resolve.same");
}

let asked = ""; // the address that was sent to be registered
let followed = ""; // the name that it was registered by, until it is connected

// joined says what came of it: the node leaves its own address out.
function joined(registered) {
  const name = /^https?:\/\/([^/]+)/i.exec(asked)?.[1] ?? asked.replace(/\/+$/, "");
  const id = asked.slice(asked.lastIndexOf("/p2p/") + 1);
  followed = registered.find((n) => n.toLowerCase() === name.toLowerCase() || n.endsWith(id)) ?? "";
  return t(followed ? "join.done" : "join.self");
}

// follow tells beside the form whether the registered node is connected, and why not, until it is.
function follow() {
  const node = followed && known.peers.nodes.find((n) => n.address === followed);
  if (!node) return;
  const peer = known.peers.peers.find((p) => (p.id ? p.id === node.peer_id : p.address === (node.url || node.address)));
  // A node of another network may be connected for a moment, and says no height.
  const done = node.kind === "flask" ? t("join.flask") : peer?.connected && peer.height ? t("join.connected", { name: short(nodeName(peer.id)) }) : "";
  if (done) {
    followed = "";
    say(at("join"), done, "good");
  } else if (peer?.reason) say(at("join"), t("join.away", { reason: peer.reason }) + (peer.next_dial ? t("join.tries") : ""), "bad");
}

export function start() {
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width !== width && contentRect.width) show();
    width = contentRect.width;
  }).observe(at("map"));
  invite.start();
  act(
    at("join"),
    (data, example) => {
      const node = data.get("node").trim();
      const id = /\/p2p\/([^/]+)\/?$/.exec(node)?.[1];
      if (!example && id === self()) return mark(at("join"), at("join").node, t("join.self"));
      if (!example) [asked, followed] = [node, ""];
      return { id: "registerNodes", body: JSON.stringify({ nodes: [node || "http://127.0.0.1:5001"] }) };
    },
    { then: (answer) => joined(answer.total_nodes) },
  );
  act(at("resolve"), () => ({ id: "resolveChain", stream: true }), { then: verdict });
  at("others-curl").append(curlLine(() => ({ id: "getPeers" })));
}
