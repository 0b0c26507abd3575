// The view of the chain: the strip, the pending payments, the form for a payment; or what was opened: a block,
// a payment, an address.

import { at, emptyRow, h, paymentLink, paymentRow, refused, setText, addressLink } from "/web/dom.js";
import { curlLine } from "/web/act.js";
import { number, t } from "/web/i18n.js";
import * as strip from "/web/strip.js";
import { known } from "/web/store.js";
import { openBlock } from "/web/block.js";
import { openPayment } from "/web/payment.js";
import { openAddress } from "/web/address.js";
import * as pay from "/web/pay.js";
import * as search from "/web/search.js";
import * as unpaid from "/web/unpaid.js";

let detail = null; // what is open: {update}, null for the view itself
const missing = new Set([400, 404]); // statuses of what there is not
let turn = 0; // counts what was opened: an answer that comes too late is not shown

const openers = { block: openBlock, payment: openPayment, address: openAddress, nowhere: openNowhere };

// openNowhere is what an address of the page leads to that it does not have.
async function openNowhere(root, name) {
  root.replaceChildren(refused(t("open.nowhere"), t("open.nowhere.hint", { name }), back()));
}

const back = () => h("a", { href: "#/chain" }, t("open.back"));

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
    root.replaceChildren(refused(t(missing.has(e.status) ? "open.nothing" : e.status ? "open.refused" : "open.silent"), e.message, back()));
    if (!e.status) opened = { update: () => open(kind, name) }; // the node answers again
  }
  if (mine !== turn) return;
  detail = opened;
  at("detail").replaceChildren(root);
}

// update shows news.
export function update(what) {
  if (what.has("node") || what.has("pending") || what.has("mining") || what.has("peers")) strip.draw();
  if (what.has("pending")) showPending();
  if (what.has("pending") || what.has("node")) pay.update();
  if (detail && (what.has("node") || what.has("pending") || what.has("reorg"))) detail.update?.(what);
}

function showPending() {
  const pool = known.pending;
  if (!pool) return;
  const rows = pool.transactions.map((p) =>
    paymentRow(addressLink(p.sender), addressLink(p.recipient), { number: p.amount }, paymentLink(p.id)),
  );
  at("payments").replaceChildren(...(rows.length ? rows : [emptyRow(4, t("next.none"))]));
  const rest = pool.count - pool.transactions.length;
  setText(at("more-payments"), rest > 0 ? t("next.more", { n: number(rest) }) : "");
}

// relabel shows everything in another language.
export function relabel() {
  strip.draw();
  showPending();
  unpaid.show();
  pay.relabel();
}

export function start() {
  unpaid.begin();
  strip.begin();
  pay.start();
  search.start();
  at("mine-next").after(curlLine(() => ({ id: "getPending" })));
}
