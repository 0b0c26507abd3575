// The form of a payment: what the page can check before it sends, and what is sent.

import { at, isAddress, setText } from "/web/dom.js";
import { act, mark } from "/web/act.js";
import { t } from "/web/i18n.js";
import { accounts, ask, network, secure } from "/web/node.js";
import { isNode, known } from "/web/store.js";

const most = secure ? 2n ** 53n - 1n : 2n ** 63n - 1n; // of a whole amount
const pause = 400; // ms without a key pressed, until the recipient is looked up

let keys = null; // the module of this browser's key, on a secure network

// draw returns a random payment id, 32 hex digits.
const draw = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

// A payment that was not answered, or failed in the node, keeps its id when it is sent again, so that it counts once.
let attempt = null;

const ownSender = (data) => keys?.own()?.address === data.get("sender").trim();

// amountOf is the amount as it was typed, but for what JSON does not take: a JavaScript number would lose digits, and 5.0 is not 5 on a chain.
const amountOf = (data) => data.get("amount").trim().replace(/^0+(?=\d)/, "");

// amountFault says why an amount is refused, "" if it is not.
function amountFault(text) {
  if (!/^[0-9]+([.][0-9]+)?$/.test(text) || (secure && text.includes("."))) return t(secure ? "check.amount.whole" : "check.amount");
  const large = text.includes(".") ? !Number.isFinite(Number(text)) : BigInt(text) > most;
  if (large) return t("check.amount.large", { most: String(most) });
  return Number(text) > 0 ? "" : t(secure ? "check.amount.whole" : "check.amount");
}

// party says why a sender or recipient is refused, "" if it is not.
function partyFault(text, own) {
  if (!secure) return text === "0" ? t("check.zero") : "";
  if (isAddress(text) || (!own && Object.values(accounts).includes(text))) return "";
  return t(own ? "key.recipient" : "check.party", { name: text });
}

// fault returns the first field at fault and what is wrong with it.
function fault(form) {
  const data = new FormData(form),
    own = ownSender(data);
  for (const [name, text] of [
    ["sender", own ? "" : partyFault(data.get("sender").trim())],
    ["recipient", secure ? partyFault(data.get("recipient").trim(), own) : ""],
    ["amount", amountFault(amountOf(data))],
  ])
    if (text) return { field: form.elements[name], text };
  return null;
}

function payment(data, example) {
  const form = at("pay"),
    wrong = fault(form);
  if (wrong && !example) {
    mark(form, wrong.field, wrong.text);
    return null;
  }
  if (wrong && ownSender(data)) return null; // nothing to sign
  const amount = amountOf(data) || "0";
  if (ownSender(data)) return ownPayment(amount, data.get("recipient").trim());
  const [sender, recipient] = ["sender", "recipient"].map((name) => (secure ? data.get(name).trim() : data.get(name)));
  const text = `{"sender": ${JSON.stringify(sender)}, "recipient": ${JSON.stringify(recipient)}, "amount": ${amount}`;
  if (example) return { id: "newTransaction", body: text + "}" };
  if (attempt?.text !== text) attempt = { text, id: draw() };
  return { id: "newTransaction", body: text + ', "id": "' + attempt.id + '"}', again: t("pay.again") };
}

// ownPayment is signed by this browser's key.
function ownPayment(amount, recipient) {
  const sender = keys.own().address;
  const text = [amount, sender, recipient].join();
  if (attempt?.text !== text) attempt = { text, id: draw() };
  return {
    id: "newTransaction",
    body: keys.signed(known.node?.network ?? network, { amount, id: attempt.id, recipient, sender }),
    again: t("pay.again"),
  };
}

// hint tells of a recipient whom the chain does not know: a name that was mistyped is paid, too.
let timer = 0;
function hint(form) {
  clearTimeout(timer);
  setText(at("pay-new"), "");
  const name = form.elements.recipient.value;
  if (!name || (secure && partyFault(name.trim()))) return;
  if (secure && isNode(name.trim())) return setText(at("pay-new"), t("pay.node"));
  timer = setTimeout(async () => {
    const a = await ask("/addresses/" + encodeURIComponent(secure ? name.trim() : name) + "?limit=1").catch(() => null);
    const waits = known.pending?.transactions.some((p) => p.recipient === name || p.sender === name);
    if (a?.count === 0 && !waits && form.elements.recipient.value === name) setText(at("pay-new"), t("pay.new"));
  }, pause);
}

export const update = () => keys?.update();
export function relabel() {
  keys?.relabel();
  if (at("pay-new").textContent) hint(at("pay"));
}

export function start() {
  const form = at("pay");
  const command = act(form, payment, {
    then: ({ message }) => t(message.includes("was added") ? "pay.known" : "pay.done", { n: /[0-9]+$/.exec(message)[0] }),
    done: (status) => {
      if (status && status < 500) attempt = null;
      command.update(); // a signed payment has another id next time
    },
  });
  form.addEventListener("input", (e) => {
    if (e.target === form.elements.recipient) hint(form);
  });
  if (secure) import("/web/ownkey.js").then((module) => (keys = module));
}
