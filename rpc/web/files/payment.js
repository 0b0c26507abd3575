// A payment's way: pending, mined, confirmed; or returned.

import { addressLink, fact, h, hashLink, setText } from "/web/dom.js";
import { curlLine } from "/web/act.js";
import { number, t } from "/web/i18n.js";
import { ask } from "/web/node.js";
import * as unpaid from "/web/unpaid.js";

const settled = 6; // confirmations that are drawn as steps

export async function openPayment(root, id) {
  const way = h("ol", { class: "way" }),
    text = h("p", { role: "status" });
  let info = await ask("/transactions/" + encodeURIComponent(id)).catch((e) => {
    const told = e.status === 404 && unpaid.of(id);
    if (!told) throw e;
    return { status: "lost", confirmations: 0, block: null, transaction: told };
  });
  const p = info.transaction;
  const title = h("h1", {}),
    block = h("dd", {});
  const lost = { status: "lost", confirmations: 0, block: null, transaction: p };
  root.replaceChildren(
    h(
      "div",
      { class: "detail-head" },
      title,
      h("nav", { class: "neighbours" }, h("a", { href: "#/chain" }, t("open.back"))),
    ),
    h("section", { class: "panel" }, way, text),
    h(
      "section",
      { class: "panel" },
      h(
        "dl",
        { class: "facts" },
        fact(t("payment.amount"), h("b", { class: "amount" }, p.amount)),
        fact(t("payment.from"), addressLink(p.sender)),
        fact(t("payment.to"), addressLink(p.recipient)),
        h("div", {}, h("dt", {}, t("payment.block")), block),
        fact(t("payment.id"), h("code", { class: "hash" }, p.id ?? id)),
        p.signature && fact(t("payment.signature"), t("payment.signed"), " ", h("code", { class: "hash" }, p.signature)),
      ),
      curlLine(() => ({ id: "getTransaction", parameters: { id } })),
    ),
  );
  const show = () => {
    setText(title, t(info.status === "lost" ? "payment.title." + end(id) : "payment.title"));
    way.replaceChildren(...steps(info, end(id)));
    text.textContent =
      (info.status === "lost" && unpaid.why(id)) ||
      t("payment.is." + info.status, { n: number(info.confirmations), block: info.block?.index });
    block.replaceChildren(info.block ? hashLink(info.block.hash, number(info.block.index)) : "–");
  };
  show();
  return {
    async update() {
      info = await ask("/transactions/" + encodeURIComponent(id)).catch((e) => (e.status === 404 ? lost : info));
      if (different(info.transaction, p)) info = lost;
      show();
    },
  };
}

// different reports whether two payments of the same id are not the same.
const different = (a, b) => ["amount", "recipient", "sender"].some((key) => a[key] !== b[key]);

// end says how a payment ended that was not paid: one that is dropped for its age or for lack of room can be sent again.
const end = (id) => (["expired", "room"].includes(unpaid.of(id)?.reason) ? "dropped" : "lost");

function steps(info, end) {
  const mined = info.status === "mined";
  if (info.status === "lost") return [h("li", { class: "done" }, t("way.sent")), h("li", { class: "back" }, t("way." + end))];
  const all = [h("li", { class: "done" }, t("way.sent"))];
  if (info.status === "returned") all.push(h("li", { class: "back" }, t("way.returned")));
  all.push(
    h("li", { class: mined ? "done" : "now" }, t("way.pending")),
    h("li", { class: mined ? "done" : "" }, mined ? t("way.mined", { n: info.block.index }) : t("way.block")),
  );
  const n = Math.min(info.confirmations, settled);
  all.push(
    h(
      "li",
      { class: n >= settled ? "done" : mined ? "now" : "" },
      t("way.confirmed", { n: number(info.confirmations) }),
      h(
        "span",
        { class: "pips", "aria-hidden": "true" },
        Array.from({ length: settled }, (_, i) => h("i", { class: i < n && "on" })),
      ),
    ),
  );
  return all;
}
