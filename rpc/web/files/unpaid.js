// Payments that the node has dropped, most of them as a block made them impossible: told when it happens, and kept in this
// browser, as the node keeps only what can still be mined.

import { at, h, nodeName, short } from "/web/dom.js";
import { clock, number, remember, t } from "/web/i18n.js";
import { genesis } from "/web/node.js";

const kept = 20;
const key = () => "kuai-unpaid-" + genesis.slice(0, 16);
let stories = null;

function now() {
  return (stories ??= saved() ?? []);
}

function saved() {
  try {
    return JSON.parse(localStorage.getItem(key()));
  } catch {
    return null;
  }
}

// tell keeps what an event says to be unpaid, and returns it in words, the first of several.
export function tell({ index, unpaid, unpaid_payments: list = [] }) {
  if (!unpaid) return "";
  const told = list.map((p) => ({ ...p, index, at: Date.now() / 1000 }));
  const others = saved() ?? now(); // another tab may have told them
  stories = [...told, ...others.filter((s) => !told.some((p) => p.id === s.id))].slice(0, kept);
  remember(key(), JSON.stringify(stories));
  show();
  return words(told[0]) + (unpaid > 1 ? " " + t("unpaid.more", { n: number(unpaid - 1) }) : "");
}

// back forgets a payment that came again.
export function back(id) {
  if (!of(id)) return;
  stories = now().filter((s) => s.id !== id);
  remember(key(), JSON.stringify(stories));
  show();
}

// of returns what is known of a payment that was dropped, undefined if it was not for all that is known; why says why, or "".
export const of = (id) => now().find((s) => s.id === id);
export const why = (id) => (of(id) ? words(of(id)) : "");

const apart = (text) => "\u2068" + text + "\u2069"; // whatever its direction of writing
const name = (account) => apart(short(nodeName(account)));

const words = (s) =>
  t("unpaid." + s.reason, {
    id: s.id.slice(0, 8),
    amount: s.amount,
    sender: name(s.sender),
    recipient: name(s.recipient),
    block: s.index ? number(s.index) : "",
  });

// begin lists those of earlier.
export function begin() {
  if (!stories) show();
}

// show lists them below the payments that wait.
export function show() {
  at("unpaid-title").hidden = !now().length;
  at("unpaid").replaceChildren(...now().map((s) => h("li", { title: s.id }, h("time", {}, clock(s.at)), " ", words(s))));
}
