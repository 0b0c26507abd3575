// Why a proof is valid: the text, its hash, the zeros.

import { h, hashBits } from "/web/dom.js";
import { t } from "/web/i18n.js";
import { sha256 } from "/web/sha256.js";

export const leading = (hash) => hash.match(/^0*/)[0].length;

// proofSteps shows the check of one proof.
export function proofSteps(before, proof, after, zeros) {
  const hash = sha256(`${before}${proof}${after}`),
    n = leading(hash);
  return h(
    "div",
    { class: "proof" },
    h(
      "p",
      { class: "formula" },
      part(before, "before", t("why.before")),
      part(proof, "own", t("why.proof")),
      part(after, "after", t("why.after")),
    ),
    h("p", { class: "arrow" }, "SHA-256 ↓"),
    h(
      "p",
      {},
      hashBits(hash, zeros),
      " ",
      h("strong", { class: n >= zeros ? "good" : "bad" }, t(n >= zeros ? "why.valid" : "why.invalid", { n, zeros })),
    ),
  );
}

const part = (text, kind, label) =>
  h("span", { class: "part " + kind }, h("small", {}, label), h("code", {}, String(text)));
