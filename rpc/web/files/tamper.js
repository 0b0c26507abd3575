// Tampering with a scratch copy of this node's newest blocks. Hashes, links and proofs are checked in this browser,
// and what is broken is mined again in it. The node keeps its chain.

import { h, setText, shortHash } from "/web/dom.js";
import { act, say } from "/web/act.js";
import { duration, number, t } from "/web/i18n.js";
import { askText, zeros } from "/web/node.js";
import { member, spaced } from "/web/canonical.js";
import { leading } from "/web/proof.js";
import { sha256 } from "/web/sha256.js";

const copied = 5; // blocks
const editable = 8192; // characters of a block
const turn = 30; // ms of a search in each of the browser's turns

let copy = null; // {index, text, hash: as it was}, the oldest first
let reward = ""; // of a block, as the network spells it
let chosen = 0;
let searching = false;
let parts = null; // elements of the panel that is shown

export const forget = () => {
  copy = null;
};
export const stop = () => {
  searching = false;
  parts = null;
};

// load copies the newest blocks.
async function load() {
  const text = await askText("/blocks?limit=" + copied);
  // No string of an answer can hold this start of an object, as a quote in it follows a backslash.
  const blocks = text.split('{"block":').slice(1);
  copy = blocks.map((b) => {
    const bytes = spaced(member('{"block":' + b, "block"));
    return { index: Number(field(bytes, "index")), text: bytes, was: sha256(bytes), locked: bytes.length > editable };
  });
  chosen = Math.max(0, copy.length - 3);
  reward = spelled(copy.at(-1).text).transactions.at(-1)?.amount ?? "";
}

// spelled reads a block with amounts as they are spelled: 1.0 is another reward than 1.
const spelled = (text) => JSON.parse(text.replace(/"amount": (-?[0-9][0-9.eE+-]*)/g, '"amount": "$1"'));

const field = (text, key) => text.match(new RegExp(`"${key}":\\s*"?([0-9a-f]*)`))?.[1] ?? "";

// What the members of a block are. Proof and parent hash are replaced in the text, so they are looked for there.
const shape = {
  index: (b) => Number.isSafeInteger(b.index),
  previous_hash: (b, text) => typeof b.previous_hash === "string" && /"previous_hash":\s*"[^"\\]*"/.test(text),
  proof: (b, text) => Number.isInteger(b.proof) && /"proof":\s*[0-9]+\s*[,}]/.test(text),
  timestamp: (b) => typeof b.timestamp === "number",
  transactions: (b) => Array.isArray(b.transactions),
};

// garbage says why a text is not a block, "" if it is one.
function garbage(text) {
  let b;
  try {
    b = JSON.parse(text);
  } catch {
    return t("tamper.json");
  }
  const key = Object.keys(shape).find((key) => !b || !shape[key](b, text));
  return key ? t("tamper.shape", { key }) : "";
}

const has = (o, keys) => o !== null && typeof o === "object" && Object.keys(o).join() === keys;
const named = (name) => typeof name === "string" && name !== "";

// Rules of a classic network that every node checks, of {b: the block, text, before: its parent in the copy}.
const rules = {
  spelling: ({ text }) => /^[ -~]*$/.test(text) && spaced(text.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (part) => (part[0] === '"' ? part : ""))) === text,
  keys: ({ b }) => has(b, "index,previous_hash,proof,timestamp,transactions") && b.transactions.every((p) => has(p, "amount,recipient,sender") || has(p, "amount,id,recipient,sender")),
  index: ({ b, before }) => !before || b.index === before.index + 1,
  time: ({ b }) => b.timestamp > 0 && b.timestamp < 2 ** 53,
  amount: ({ b }) => b.transactions.every((p) => typeof p.amount === "number" && p.amount > 0 && p.amount < Infinity),
  names: ({ b }) => b.transactions.every((p) => named(p.sender) && named(p.recipient)),
  reward: ({ b, text }) =>
    b.transactions.every((p, i) => (p.sender === "0") === (i === b.transactions.length - 1)) && b.transactions.at(-1)?.id === undefined && spelled(text).transactions.at(-1)?.amount === reward,
  ids: ({ b }) => {
    const ids = b.transactions.map((p) => p.id).filter((id) => id !== undefined);
    return ids.every((id) => /^[0-9a-f]{32}$/.test(id)) && new Set(ids).size === ids.length;
  },
};

// wrong says which rule a block breaks whatever it follows, "" if none.
function wrong(text, before) {
  const block = { b: JSON.parse(text), text, before };
  const rule = Object.keys(rules).find((rule) => !rules[rule](block));
  return rule ? t("tamper.rule." + rule, { reward }) : "";
}

// check says of each block of the copy whether it follows the one before.
function check() {
  let before = null;
  return copy.map((b, i) => {
    const now = { hash: sha256(b.text), proof: field(b.text, "proof"), previous: field(b.text, "previous_hash") };
    now.links = !before || now.previous === before.hash;
    now.proven = !before || leading(sha256(before.proof + now.proof + now.previous)) >= zeros;
    now.changed = now.hash !== b.was;
    now.garbage = now.changed ? garbage(b.text) : "";
    now.rule = now.changed && !now.garbage && b.index > 1 ? wrong(b.text, copy[i - 1]) : "";
    now.bad = Boolean(now.garbage) || !now.links || !now.proven;
    before = now;
    return now;
  });
}

const fault = (now) =>
  now.garbage ||
  (!now.links
    ? t("tamper.broken")
    : !now.proven
      ? t("tamper.unproven")
      : now.rule
        ? t("tamper.refused", { rule: now.rule })
        : t(now.changed ? "tamper.changed" : "tamper.fits"));

// show shows the state of all blocks. The field is filled only if another block is chosen: it is being typed in.
function show(refill) {
  if (!parts || !copy) return;
  const state = check();
  const broken = state.findIndex((now) => now.bad || now.rule);
  parts.buttons.forEach((button, i) => {
    const now = state[i],
      bad = now.bad || now.rule;
    button.setAttribute("aria-pressed", String(i === chosen));
    button.className = "scratch " + (bad ? "wrong" : now.changed ? "changed" : "");
    button.replaceChildren(
      h("b", {}, number(copy[i].index)),
      h("code", {}, shortHash(now.hash)),
      h("span", {}, (bad ? "✗ " : now.changed ? "≠ " : "✓ ") + fault(now)),
    );
  });
  if (refill) {
    parts.text.value = copy[chosen].text;
    parts.text.readOnly = copy[chosen].locked;
    setText(parts.label, t("tamper.bytes", { n: number(copy[chosen].index) }));
  }
  setText(
    parts.said,
    broken < 0
      ? t(state.some((now) => now.changed) ? "tamper.whole" : "tamper.same")
      : t(state[broken].rule ? "tamper.unlawful" : "tamper.from", { n: number(copy[broken].index), rule: state[broken].rule }),
  );
  parts.said.className = broken < 0 ? "" : "bad";
}

// mineAgain repairs the copy from the first block on that does not follow the one before.
async function mineAgain(form) {
  if (searching) return;
  const state = check(),
    at = state.findIndex((now) => now.garbage);
  if (at >= 0) {
    say(form, t("tamper.garbage", { n: number(copy[at].index), fault: state[at].garbage }), "bad");
    return;
  }
  const panel = parts,
    began = performance.now();
  searching = true;
  let tries = 0,
    mined = 0;
  for (let i = 1; i < copy.length; i++) {
    const now = check();
    if (!now[i].bad) continue;
    const before = now[i - 1];
    for (let proof = 0; ; ) {
      const end = performance.now() + turn;
      let found = false;
      while (!found && performance.now() < end) {
        found = leading(sha256(`${before.proof}${proof}${before.hash}`)) >= zeros;
        tries++;
        if (!found) proof++;
      }
      if (found) {
        copy[i].text = copy[i].text
          .replace(/"previous_hash":\s*"[^"]*"/, `"previous_hash": "${before.hash}"`)
          .replace(/"proof":\s*[0-9]+/, `"proof": ${proof}`);
        mined++;
        break;
      }
      say(form, t("tamper.searching", { block: number(copy[i].index), n: number(tries) }));
      await new Promise((r) => setTimeout(r));
      if (!searching || parts !== panel) return;
    }
    show(i === chosen);
  }
  searching = false;
  const seconds = (performance.now() - began) / 1000;
  say(form, mined ? t("tamper.done", { blocks: number(mined), n: number(tries), time: duration(seconds) }) : t("tamper.nothing"), "good");
}

// panel is the part of the lesson's page.
export function panel() {
  const section = h(
    "section",
    { class: "panel", id: "tamper", "aria-labelledby": "tamper-title" },
    h("h2", { id: "tamper-title" }, t("tamper.title")),
    h("p", { class: "hint" }, t("tamper.lead")),
  );
  const fill = () => {
    if (copy.length > 2) section.append(...bench());
    else section.append(tooShort(section));
    show(true);
  };
  if (copy) fill();
  else
    load().then(fill, (e) => {
      section.append(h("p", { class: "bad" }, e.message));
    });
  return section;
}

function bench() {
  const buttons = copy.map((_, i) =>
    h("button", {
      type: "button",
      onclick: () => {
        chosen = i;
        show(true);
      },
    }),
  );
  const label = h("span", {});
  const text = h("textarea", { rows: 6, spellcheck: "false", autocomplete: "off", class: "bytes" });
  const said = h("p", { role: "status", id: "tamper-said" });
  text.addEventListener("input", () => {
    copy[chosen].text = text.value;
    searching = false; // for what was there before
    say(form, "");
    show();
  });
  const form = h(
    "form",
    { id: "tamper-form", class: "actions" },
    h("button", { class: "second" }, t("tamper.mine")),
    h(
      "button",
      {
        type: "button",
        class: "second",
        onclick: () => {
          searching = false;
          load().then(() => {
            say(form, "");
            show(true);
          });
        },
      },
      t("tamper.again"),
    ),
    h("output", { class: "answer" }),
  );
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    mineAgain(form);
  });
  parts = { buttons, text, label, said };
  return [
    h("div", { class: "scratches", role: "group", "aria-label": t("tamper.blocks") }, buttons),
    h("label", {}, label, text),
    said,
    form,
  ];
}

// tooShort offers to mine what there would be to change.
function tooShort(section) {
  const form = h("form", {}, h("button", { class: "second" }, t("tamper.need")), h("output", { class: "answer" }));
  const box = h("div", {}, form);
  act(form, () => ({ id: "mineBlocks", body: '{"blocks": 3}' }), {
    async then() {
      await load();
      box.remove();
      section.append(...bench());
      show(true);
      return "";
    },
  });
  return box;
}

