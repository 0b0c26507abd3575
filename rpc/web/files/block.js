// A block that is open: its fields, the bytes that are hashed, its proof, where it comes from.

import { addressLink, fact, h, hashBits, hashLink, hue, paymentLink, paymentRow, who } from "/web/dom.js";
import { curlLine } from "/web/act.js";
import { dateTime, number, t } from "/web/i18n.js";
import { ask, askText, parse, secure, zeros } from "/web/node.js";
import { member, spaced } from "/web/canonical.js";
import { sha256 } from "/web/sha256.js";
import * as blocks from "/web/blocks.js";
import * as strip from "/web/strip.js";
import { proofSteps } from "/web/proof.js";

const rowsAtOnce = 200; // payments of a block that are shown before they are asked for
const longBlock = 8192; // characters of a block that are shown at once

export async function openBlock(root, ref, current) {
  const text = await askText("/blocks/" + encodeURIComponent(ref));
  const info = parse(text);
  const b = { ...blocks.brief(info), transactions: info.block.transactions, stamp: info.block.timestamp };
  const parent = b.index > 1 ? parse(await askText("/blocks/" + b.previous)) : null;
  if (!current()) return null;
  strip.select(b.hash, b.active ? b.index : 0);
  const badge = h("span", { class: "badge" }),
    children = h("dd", {});
  root.replaceChildren(
    h("div", { class: "detail-head" }, h("h1", {}, t("block.title", { n: number(b.index) })), badge, neighbours(b)),
    h(
      "div",
      { class: "columns wider" },
      h(
        "section",
        { class: "panel" },
        h("h2", {}, t("block.fields")),
        fields(b, children),
        curlLine(() => ({ id: "getBlock", parameters: { ref: b.hash } })),
      ),
      h("section", { class: "panel" }, h("h2", {}, t("block.payments")), payments(b)),
    ),
    h("section", { class: "panel" }, h("h2", {}, t("hash.title")), hashing(b, text)),
    h(
      "section",
      { class: "panel" },
      h("h2", {}, t("why.title")),
      parent ? proofSteps(parent.block.proof, b.proof, b.previous, secure ? null : zeros) : h("p", {}, t("why.first")),
    ),
  );
  const update = () => state(b, badge, children);
  await update();
  return { update };
}

const neighbours = (b) =>
  h(
    "nav",
    { class: "neighbours", "aria-label": t("block.neighbours") },
    b.index > 1 && h("a", { href: "#/block/" + b.previous, rel: "prev" }, "← " + t("block.parent")),
    h("a", { href: "#/chain" }, t("open.back")),
  );

function fields(b, children) {
  return h(
    "dl",
    { class: "facts" },
    fact(t("block.hash"), h("code", { class: "hash" }, b.hash)),
    fact(t("block.parent"), b.index > 1 ? hashLink(b.previous, b.previous) : h("code", {}, b.previous)),
    h("div", {}, h("dt", {}, t("block.children")), children),
    fact(
      t("block.miner"),
      b.miner ? h("span", { class: "dot " + hue(b.miner) }, addressLink(b.miner)) : t("block.nobody"),
    ),
    fact(t("block.from"), b.from ? who(b.from) : t("block.self"), b.received ? " · " + dateTime(b.received) : ""),
    fact(t("block.time"), dateTime(b.timestamp), " ", h("code", {}, b.stamp)),
    fact(t("block.proof"), h("code", {}, String(b.proof))),
  );
}

// state shows what changes: confirmations and children.
async function state(b, badge, children) {
  const next = blocks.get(b.index + 1) ?? null;
  const now = blocks.get(b.index);
  b.active = now ? now.hash === b.hash : b.active && b.index <= blocks.height;
  badge.className = "badge " + (b.active ? "active" : "side");
  const n = blocks.height - b.index + 1;
  badge.textContent = b.active
    ? t("block.confirmed", { n: number(n) })
    : t("block.side");
  const links = [];
  if (next && next.previous === b.hash) links.push(hashLink(next.hash, next.hash));
  else if (!next && b.active && b.index < blocks.height) {
    await blocks.load(b.index + 1, b.index + 2);
    const loaded = blocks.get(b.index + 1);
    if (loaded?.previous === b.hash) links.push(hashLink(loaded.hash, loaded.hash));
  }
  links.push(...(await sideChildren(b)));
  children.replaceChildren(
    ...(links.length ? links.flatMap((l, i) => (i ? [h("br", {}), l] : [l])) : [t("block.childless")]),
  );
}

// sideChildren finds children on side branches, going back from the branches' tips, a bounded way.
async function sideChildren(b) {
  const found = new Map();
  const { forks } = await ask("/forks?limit=10");
  for (const f of forks.filter(
    (f) => f.tip.index > b.index && f.fork_point.index <= b.index && f.tip.index - b.index <= 50,
  )) {
    let hash = f.tip.hash;
    for (let i = f.tip.index; i > b.index + 1 && hash; i--)
      hash = parse(await askText("/blocks/" + hash)).block.previous_hash;
    const child = parse(await askText("/blocks/" + hash));
    if (child.block.previous_hash === b.hash && child.branch === "side") found.set(hash, hashLink(hash, hash));
  }
  return [...found.values()];
}

function payments(b) {
  const body = h("tbody", { role: "rowgroup" });
  const add = (to) =>
    body.replaceChildren(
      ...b.transactions
        .slice(0, to)
        .map((p) =>
          paymentRow(
            p.sender === "0" ? h("em", {}, t(b.index === 1 ? "payment.endowed" : "payment.reward")) : addressLink(p.sender, 18),
            addressLink(p.recipient, 18),
            { number: p.amount },
            paymentLink(p.id),
          ),
        ),
    );
  add(rowsAtOnce);
  const more =
    b.transactions.length > rowsAtOnce &&
    h(
      "button",
      {
        type: "button",
        class: "second",
        onclick: (e) => {
          add(Infinity);
          e.target.remove();
        },
      },
      t("block.all", { n: number(b.transactions.length) }),
    );
  const head = ["from", "to", "amount", "id"].map((k) =>
    h("th", { scope: "col", role: "columnheader", class: k === "amount" && "number" }, t("payment." + k)),
  );
  if (!b.transactions.length) return h("p", { class: "none" }, t("block.empty"));
  return h(
    "div",
    { class: "wide", role: "group", tabindex: "0", "aria-label": t("block.payments") },
    h("table", { role: "table", class: "cards payments" }, h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head)), body),
    more,
  );
}

// hashing shows the bytes that are hashed, and the hash that this browser makes of them.
function hashing(b, text) {
  const bytes = spaced(member(text, "block"));
  const own = sha256(bytes),
    same = own === b.hash;
  const code = h(
    "code",
    { class: "bytes", tabindex: "0", role: "region", "aria-label": t("hash.bytes") },
    bytes.length > longBlock ? bytes.slice(0, longBlock) + "…" : bytes,
  );
  const all = h("button", { type: "button", class: "second", hidden: true }, t("hash.all", { n: number(bytes.length) }));
  const look = new ResizeObserver(() => {
    all.hidden = bytes.length <= longBlock && code.scrollHeight <= code.clientHeight;
  });
  look.observe(code);
  all.addEventListener("click", () => {
    look.disconnect();
    code.textContent = bytes;
    code.classList.add("whole");
    all.remove();
    code.focus({ preventScroll: true });
  });
  return h(
    "div",
    {},
    h("p", {}, t("hash.lead", { n: number(bytes.length) })),
    code,
    all,
    h("p", { class: "arrow" }, "SHA-256 ↓"),
    h(
      "p",
      { class: "checked" },
      hashBits(own, Infinity),
      " ",
      h("strong", { class: same ? "good" : "bad" }, t(same ? "hash.same" : "hash.other")),
    ),
    h("p", { class: "hint" }, t("hash.zeros")),
  );
}
