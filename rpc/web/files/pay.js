// The form of a payment: what the page can check before it sends, and what is sent.

import { at, isAddress, setText } from "/web/dom.js";
import { act, mark } from "/web/act.js";
import { t } from "/web/i18n.js";
import { accounts, ask, network, secure } from "/web/node.js";
import { isNode, known } from "/web/store.js";

const most = secure ? 2n ** 53n - 1n : 2n ** 63n - 1n; // of a whole amount
const longest = 256; // bytes of a name
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

const fraction = (text) => /[.e]/i.test(text);

// written is how the node writes an amount into a block: an integer as it is, and any other number as Python does.
function written(text) {
  if (!fraction(text)) return text;
  const [, whole, rest = "", power] = /^(.)(?:[.](.+))?e(.+)$/.exec(Number(text).toExponential()),
    digits = whole + rest,
    e = Number(power);
  if (e < -4 || e >= 16) return whole + (rest && "." + rest) + (e < 0 ? "e-" : "e+") + String(Math.abs(e)).padStart(2, "0");
  if (e < 0) return "0." + "0".repeat(-e - 1) + digits;
  return digits.slice(0, e + 1).padEnd(e + 1, "0") + "." + (digits.slice(e + 1) || "0");
}

// value is an amount's digits and their place, whatever its spelling.
function value(text) {
  const [, whole, rest = "", power = "0"] = /^([0-9]+)(?:[.]([0-9]+))?(?:e(.+))?$/i.exec(text),
    digits = (whole + rest).replace(/^0+/, "");
  return digits.replace(/0+$/, "") + "e" + (digits.length - rest.length + Number(power));
}

// amountFault says why an amount is refused, "" if it is not.
function amountFault(text) {
  const none = t(secure ? "check.amount.whole" : "check.amount");
  if (!/^[0-9]+([.][0-9]+)?(e[+-]?[0-9]+)?$/i.test(text) || (secure && fraction(text))) return none;
  const large = fraction(text) ? !Number.isFinite(Number(text)) : BigInt(text) > most;
  if (large) return t("check.amount.large", { most: String(most) });
  if (!(Number(text) > 0)) return none;
  return value(text) === value(written(text)) ? "" : t("check.amount.digits", { amount: written(text) });
}

// foretell tells how an amount will be written, if not as it was typed.
function foretell(form) {
  const typed = form.elements.amount.value.trim(),
    text = amountOf(new FormData(form));
  const same = !text || amountFault(text) || written(text) === typed;
  setText(at("pay-written"), same ? "" : t("pay.written", { amount: written(text) }));
}

// nameFault says why a classic network's name is refused, "" if it is not.
function nameFault(text) {
  const n = new TextEncoder().encode(text).length;
  return n > longest ? t("check.name", { n }) : "";
}

// partyFault says why a sender or recipient is refused, "" if it is not.
function partyFault(text, own) {
  if (!secure) return text === "0" ? t("check.zero") : nameFault(text);
  if (isAddress(text) || (!own && Object.values(accounts).includes(text))) return "";
  return t(own ? "key.recipient" : "check.party", { name: text });
}

// fault returns the first field at fault and what is wrong with it.
function fault(form) {
  const data = new FormData(form),
    own = ownSender(data);
  for (const [name, text] of [
    ["sender", own ? "" : partyFault(data.get("sender").trim())],
    ["recipient", secure ? partyFault(data.get("recipient").trim(), own) : nameFault(data.get("recipient"))],
    ["amount", amountFault(amountOf(data))],
  ])
    if (text) return { field: form.elements[name], text };
  return null;
}

function payment(data, example) {
  const form = at("pay"),
    wrong = fault(form);
  if (wrong) {
    if (!example) mark(form, wrong.field, wrong.text);
    return null;
  }
  const amount = amountOf(data);
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
  if (!name || (secure ? partyFault(name.trim()) : nameFault(name))) return;
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
  foretell(at("pay"));
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
    if (e.target === form.elements.amount) foretell(form);
  });
  if (secure) import("/web/ownkey.js").then((module) => (keys = module));
}
