// An address: its balance and history.

import { addressLink, h, hashLink, nodeName, paymentLink, row, emptyRow, visible } from "/web/dom.js";
import { curlLine } from "/web/act.js";
import { number, t } from "/web/i18n.js";
import { ask } from "/web/node.js";
import { isNode } from "/web/store.js";

const page = 50;

const signed = (amount) => String(amount).replace(/^-/, "−"); // as the history writes it

export async function openAddress(root, name) {
  const path = "/addresses/" + encodeURIComponent(name) + "?limit=" + page;
  let account = name; // its address: a name may stand for one
  const balance = h("b", { class: "amount" }),
    spendable = h("p", { class: "hint" }),
    count = h("p", { class: "hint" }),
    hint = h("p", { class: "hint" }, t("address.hint")),
    body = h("tbody", { role: "rowgroup" }),
    title = h("bdi", {}, visible(name)),
    beside = h("p", { class: "hash", hidden: true });
  const more = h("button", { type: "button", class: "second" }, t("address.older"));
  let next = null;
  const head = ["payment.block", "payment.from", "payment.to", "payment.amount", "payment.id", "payment.confirmations"];
  const rows = (history) =>
    history.map((e) => {
      const p = e.transaction,
        out = p.sender === account;
      const line = row(
        hashLink(e.block.hash, number(e.block.index)),
        p.sender === "0" ? h("em", {}, t(e.block.index === 1 ? "payment.endowed" : "payment.reward")) : addressLink(p.sender),
        addressLink(p.recipient),
        { number: (out && p.recipient !== account ? "−" : "+") + p.amount },
        paymentLink(p.id),
        { number: number(e.confirmations) },
      );
      for (const [i, key] of head.entries()) line.cells[i].dataset.column = t(key); // said on a phone, which has no row of titles
      if (!p.id) line.cells[head.indexOf("payment.id")].classList.add("empty");
      return line;
    });
  const showBalance = (a) => {
    balance.textContent = signed(a.balance);
    spendable.hidden = !a.spendable || a.spendable === a.balance;
    spendable.textContent = t("address.spendable", { n: signed(a.spendable) });
  };
  const show = (a, append) => {
    account = a.address;
    const called = nodeName(account);
    title.textContent = visible(called === account ? name : called);
    beside.hidden = title.textContent === visible(account);
    beside.replaceChildren(h("code", {}, visible(account)));
    showBalance(a);
    hint.hidden = a.count > 0;
    count.textContent = t("address.count", { n: number(a.count) });
    next = a.next;
    more.hidden = !next;
    if (append) body.append(...rows(a.history));
    else body.replaceChildren(...(a.history.length ? rows(a.history) : [emptyRow(6, t("address.none"))]));
  };
  more.addEventListener("click", async () => {
    const from = body.rows.length;
    show(await ask(path + "&before=" + next), true);
    if (more.hidden) body.rows[from]?.querySelector("a").focus(); // the button has gone
  });
  show(await ask(path));
  const numbers = new Set(["payment.amount", "payment.confirmations"]);
  root.replaceChildren(
    h(
      "div",
      { class: "detail-head" },
      h("h1", { class: "name" }, h("small", {}, t("address.title")), title),
      h("nav", { class: "neighbours" }, h("a", { href: "#/chain" }, t("open.back"))),
    ),
    h(
      "section",
      { class: "panel" },
      beside,
      isNode(account) && h("p", {}, h("a", { href: "#/network/" + account }, t("address.node"))),
      h("p", { class: "balance" }, h("span", {}, t("address.balance")), balance),
      spendable,
      count,
      hint,
      h(
        "div",
        { class: "wide", role: "group", tabindex: "0", "aria-label": t("address.history") },
        h(
          "table",
          { role: "table", class: "cards" },
          h(
            "thead",
            { role: "rowgroup" },
            h(
              "tr",
              { role: "row" },
              head.map((k) => h("th", { scope: "col", role: "columnheader", class: numbers.has(k) && "number" }, t(k))),
            ),
          ),
          body,
        ),
      ),
      more,
      curlLine(() => ({ id: "getAddress", parameters: { address: name } })),
    ),
  );
  return {
    async update(what) {
      if (!what.has("node")) return;
      const a = await ask(path).catch(() => null);
      if (a && body.rows.length <= page) show(a, false);
      else if (a) showBalance(a); // older entries stay in sight
    },
  };
}
