// The panel of this browser's key, below the form of a payment: make one, pay with it, keep a copy, forget it.

import { at, h, isAddress, setText } from "/web/dom.js";
import { copyButton, say } from "/web/act.js";
import { t } from "/web/i18n.js";
import { follow, forget, isSeed, make, own, take } from "/web/key.js";
import { ask } from "/web/node.js";

let open = ""; // "seed" while the key is shown, "forget" while it is asked whether to forget it
const balance = h("p", { class: "hint" });

const button = (id, text, onclick) => h("button", { type: "button", class: "second", id, onclick }, t(text));

// show draws the panel, and gives the focus to the element with that id: the one that had it may be gone.
function show(focus) {
  const key = own();
  at("own-key").replaceChildren(h("h3", {}, t("key.title")), ...(key ? some(key) : none()).filter(Boolean));
  if (focus) at(focus).focus();
  if (key) update();
}

function none() {
  const input = h("input", { name: "seed", required: true, autocomplete: "off", spellcheck: "false" });
  const form = h(
    "form",
    { id: "key-take", class: "fields one" },
    h("label", {}, h("span", {}, t("key.seed")), input),
    h("button", { class: "second" }, t("key.take")),
    h("output", { class: "answer" }),
  );
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    const seed = input.value.trim().toLowerCase();
    if (!isSeed(seed)) return say(form, t("key.bad"), "bad");
    take(seed);
    show("key-pay");
  });
  const begin = () => {
    make();
    show("key-pay");
  };
  return [h("p", { class: "hint" }, t("key.why")), h("p", {}, button("key-make", "key.make", begin)), form];
}

function some(key) {
  const address = h("code", { id: "key-address", class: "command", tabindex: "0" }, key.address);
  const to = (what, focus) => () => {
    open = open === what ? "" : what;
    show(focus);
  };
  return [
    h("p", { class: "hint" }, t("key.why")),
    !key.kept && h("p", { class: "bad" }, t("key.unkept")),
    h("p", {}, address, copyButton(address)),
    balance,
    h(
      "div",
      { class: "actions" },
      button("key-pay", "key.pay", pay),
      button("key-show", open === "seed" ? "key.hide" : "key.show", to("seed", "key-show")),
      button("key-forget", "key.forget", to("forget", "key-keep")),
    ),
    open === "seed" && secret(key.seed),
    open === "forget" && [
      h("p", { class: "bad" }, t("key.sure")),
      h("div", { class: "actions" }, button("key-gone", "key.gone", gone), button("key-keep", "key.keep", to("forget", "key-forget"))),
    ],
  ].flat();
}

function secret(seed) {
  const code = h("code", { id: "key-seed", class: "command", tabindex: "0" }, seed);
  return [h("p", { class: "hint" }, t("key.secret")), h("p", {}, code, copyButton(code))];
}

function pay() {
  const form = at("pay");
  form.elements.sender.value = own().address;
  if (!isAddress(form.elements.recipient.value)) form.elements.recipient.value = ""; // a name that the node knows
  form.dispatchEvent(new Event("input"));
  form.elements.recipient.focus();
  form.elements.recipient.select();
}

function gone() {
  const sender = at("pay").elements.sender;
  if (sender.value === own().address) sender.value = "";
  forget();
  open = balance.textContent = "";
  show("key-make");
}

// update asks what the key's address has.
export async function update() {
  const key = own();
  if (!key) return;
  const a = await ask("/addresses/" + key.address + "?limit=1").catch(() => null);
  if (!a || own()?.address !== key.address) return;
  const rest = a.spendable && a.spendable !== a.balance ? " " + t("address.spendable", { n: a.spendable }) : "";
  setText(balance, t("key.balance", { n: a.balance }) + rest);
}

export const relabel = () => show();

follow(() => {
  open = balance.textContent = "";
  show();
});

export { own, signed } from "/web/key.js";
show();
