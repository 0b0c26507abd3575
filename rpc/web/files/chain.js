// The view of the chain: the strip, the pending payments, the form for a payment; or what was opened: a block,
// a payment, an address.

import { at, emptyRow, h, isAddress, paymentLink, row, setText, addressLink } from "/web/dom.js";
import { act, curlLine, say } from "/web/act.js";
import { number, t } from "/web/i18n.js";
import * as blocks from "/web/blocks.js";
import * as strip from "/web/strip.js";
import { network, secure } from "/web/node.js";
import { known } from "/web/store.js";
import { openBlock } from "/web/block.js";
import { openPayment } from "/web/payment.js";
import { openAddress } from "/web/address.js";

let detail = null; // what is open: {update}, null for the view itself
let turn = 0; // counts what was opened: an answer that comes too late is not shown

const openers = { block: openBlock, payment: openPayment, address: openAddress };

// open shows what the address bar names.
export async function open(kind, name) {
  const mine = ++turn;
  const opener = openers[kind];
  for (const id of ["home", "home-head"]) at(id).hidden = Boolean(opener);
  at("detail").hidden = !opener;
  detail = null;
  if (!opener) {
    strip.select("", 0);
    strip.newest();
    return;
  }
  if (kind !== "block") strip.select("", 0);
  at("detail").replaceChildren(h("p", { class: "panel wait" }, t("wait")));
  const root = h("div", {});
  let opened = null;
  try {
    opened = await opener(root, name, () => mine === turn);
  } catch (e) {
    root.replaceChildren(
      h(
        "section",
        { class: "panel" },
        h("h1", {}, t("open.nothing")),
        h("p", { class: "bad" }, e.message),
        h("p", {}, h("a", { href: "#/chain" }, t("open.back"))),
      ),
    );
  }
  if (mine !== turn) return;
  detail = opened;
  at("detail").replaceChildren(root);
}

// update shows news.
export function update(what) {
  if (what.has("node") || what.has("pending") || what.has("mining") || what.has("peers")) strip.draw();
  if (what.has("pending")) showPending();
  if (what.has("pending") || what.has("node")) keys?.update();
  if (detail && (what.has("node") || what.has("pending") || what.has("reorg"))) detail.update?.(what);
}

function showPending() {
  const pool = known.pending;
  if (!pool) return;
  const rows = pool.transactions.map((p) =>
    row(addressLink(p.sender), addressLink(p.recipient), { number: p.amount }, paymentLink(p.id)),
  );
  at("payments").replaceChildren(...(rows.length ? rows : [emptyRow(4, t("next.none"))]));
  const rest = pool.count - pool.transactions.length;
  setText(at("more-payments"), rest > 0 ? t("next.more", { n: number(rest) }) : "");
}

// relabel shows everything in another language.
export function relabel() {
  strip.draw();
  showPending();
  keys?.relabel();
}

let keys = null; // the module of this browser's key, on a secure network

// draw returns a random payment id, 32 hex digits.
const draw = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

// A payment that was not answered, or failed in the node, keeps its id when it is sent again, so that it counts once.
let attempt = null;

// The amount is sent as it was typed: a JavaScript number would lose digits, and 5.0 is not 5 on this chain.
function payment(data, example) {
  const amount =
    data
      .get("amount")
      .trim()
      .replace(/^0+(?=\d)/, "") || "0";
  if (keys?.own()?.address === data.get("sender").trim()) return ownPayment(amount, data.get("recipient").trim(), example);
  const text =
    '{"sender": ' +
    JSON.stringify(data.get("sender")) +
    ', "recipient": ' +
    JSON.stringify(data.get("recipient")) +
    ', "amount": ' +
    amount;
  if (example) return { id: "newTransaction", body: text + "}" };
  if (attempt?.text !== text) attempt = { text, id: draw() };
  return { id: "newTransaction", body: text + ', "id": "' + attempt.id + '"}', again: t("pay.again") };
}

// ownPayment is signed by this browser's key.
function ownPayment(amount, recipient, example) {
  const sender = keys.own().address;
  if (!isAddress(recipient)) {
    if (!example) say(at("pay"), t("key.recipient"), "bad");
    return null;
  }
  const text = [amount, sender, recipient].join();
  if (attempt?.text !== text) attempt = { text, id: draw() };
  return { id: "newTransaction", body: keys.signed(known.node?.network ?? network, { amount, id: attempt.id, recipient, sender }), again: t("pay.again") };
}

// search opens what was typed: a block by its number or hash, a payment by its id, or by the start of these as the page shows it;
// else an address.
function search(form) {
  const typed = at("query").value,
    text = typed.trim().toLowerCase();
  if (!text) return;
  const index = /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
  let to = "address/" + encodeURIComponent(typed); // blanks are part of a name
  if ((index >= 1 && index <= blocks.height) || /^[0-9a-f]{64}$/.test(text)) to = "block/" + text;
  else if (/^[0-9a-f]{32}$/.test(text)) to = "payment/" + text;
  else if (/^[0-9a-f]{8,63}$/.test(text)) {
    const block = blocks.byHash(text),
      pays = known.pending?.transactions.find((p) => p.id.startsWith(text));
    if (block) to = "block/" + block.hash;
    else if (pays) to = "payment/" + pays.id;
  }
  location.hash = "#/" + to;
  form.reset();
}

export function start() {
  strip.begin();
  const command = act(at("pay"), payment, {
    done: (status) => {
      if (status && status < 500) attempt = null;
      command.update(); // a signed payment has another id next time
    },
  });
  if (secure) import("/web/ownkey.js").then((module) => (keys = module));
  at("search").addEventListener("submit", (e) => {
    e.preventDefault();
    search(e.target);
  });
  at("mine-next").after(curlLine(() => ({ id: "getPending" })));
}
