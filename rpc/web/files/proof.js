// Why a proof is valid: the text, its hash, the zeros or the target.

import { h, hashBits } from "/web/dom.js";
import { t } from "/web/i18n.js";
import { sha256 } from "/web/sha256.js";

export const leading = (hash) => hash.match(/^0*/)[0].length;

// verdict judges a hash by a goal: a number of zeros, a target in hex, or null if only the node knows the target of that time.
function verdict(hash, goal) {
  const n = leading(hash);
  if (goal === null) return { good: true, zeros: n, text: t("why.sealed", { n }) };
  if (typeof goal === "number") return { good: n >= goal, zeros: goal, text: t(n >= goal ? "why.valid" : "why.invalid", { n, zeros: goal }) };
  const good = hash <= goal;
  return { good, zeros: leading(goal), text: t(good ? "why.meets" : "why.misses", { target: goal.slice(0, 16) + "…" }) };
}

// proofSteps shows the check of one proof.
export function proofSteps(before, proof, after, goal) {
  const hash = sha256(`${before}${proof}${after}`),
    { good, zeros, text } = verdict(hash, goal);
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
      h("strong", { class: good ? "good" : "bad" }, text),
    ),
  );
}

const part = (text, kind, label) =>
  h("span", { class: "part " + kind }, h("small", {}, label), h("code", {}, String(text)));
