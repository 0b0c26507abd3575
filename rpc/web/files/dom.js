// Elements, and how values are shown. Text from the chain always becomes a text node or an attribute, never markup.

import { t } from "/web/i18n.js";

export const at = (id) => document.getElementById(id);

// h makes an element; s one of SVG. Attributes that start with "on" are listeners; null and false are left out.
export const h = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) =>
  build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

function build(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

// setText changes a text only if it differs: a status that is set again is read out again.
export function setText(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

const peerID = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/;

export const isAddress = (text) => peerID.test(text); // of a secure network

const columns = (letter) => (letter.codePointAt(0) > 0x2e7f ? 2 : 1); // a Chinese letter is as wide as two others

export const columnsOf = (text) => [...text].reduce((sum, letter) => sum + columns(letter), 0);

// short is how a name is shown in a list: whole up to 24 columns, else its start and its end, by which names of a kind differ. Code
// points are not cut in two. Of a peer id the end is shown, as all start alike.
export function short(name, room = 24) {
  if (peerID.test(name)) return "12D3…" + name.slice(-6);
  name = visible(name);
  if (columnsOf(name) <= room) return name;
  const take = (letters, room) => {
    const taken = [];
    for (const letter of letters) {
      room -= columns(letter);
      if (room < 0) break;
      taken.push(letter);
    }
    return taken;
  };
  const letters = [...name];
  return take(letters, room / 2 + 1).join("") + "…" + take(letters.reverse(), room / 2 - 2).reverse().join("");
}

// visible writes what of a name is not seen as an escape, and blanks that are not between two letters as a sign, so that different names
// look different. The joiners of an emoji stay; what begins like an escape or a sign is one, too.
const emoji = /^\p{Extended_Pictographic}/u;
const unseen =
  /\p{Extended_Pictographic}[\ufe0f\p{Emoji_Modifier}]?(?:\u200d\p{Extended_Pictographic}[\ufe0f\p{Emoji_Modifier}]?)*|[\p{C}\p{Zl}\p{Zp}\u2420]|\p{Default_Ignorable_Code_Point}|(?! )\p{Zs}|\\(?=u)/gu;
export const visible = (name) =>
  name
    .replace(unseen, (c) => (emoji.test(c) ? c : "\\u" + c.codePointAt(0).toString(16).padStart(4, "0")))
    .replace(/^ +| +$| {2,}/g, (blanks) => "␠".repeat(blanks.length));

// fit shortens a name to the width of a block in a drawing or in the strip.
const blockWidth = 8.7; // em
let brush = null;
export function fit(name) {
  if (!brush) {
    brush = document.createElement("canvas").getContext("2d");
    brush.font = "100px " + getComputedStyle(document.documentElement).getPropertyValue("--sans");
  }
  let text = short(name);
  for (let room = 23; room > 5 && brush.measureText(text).width > 100 * blockWidth; room--) text = short(name, room);
  return text;
}

// place shows a URL, host:port or multiaddr: whole, as the end tells it from others.
export const place = (text) => h("bdi", { class: "place", title: text }, text);

export const shortHash = (hash) => hash.slice(0, 8);

// hue is one of eight colours that stand for a miner.
export function hue(name) {
  let sum = 0;
  for (const c of name) sum = (sum * 31 + c.codePointAt(0)) >>> 0;
  return name ? "m" + (sum % 8) : "";
}

// Names of nodes by their peer ids, where the node knows them.
const names = new Map();
export const learnName = (id, name) => name && names.set(id, name);
export const nodeName = (id) => names.get(id) ?? id;

// who shows a name as text that is apart from what is around it, whatever its direction of writing.
export const who = (name, room) => h("bdi", { title: name, class: peerID.test(nodeName(name)) ? "mono" : null }, short(nodeName(name), room));

export const addressLink = (name, room) => h("a", { href: "#/address/" + encodeURIComponent(name) }, who(name, room));
export const hashLink = (hash, text) =>
  h("a", { href: "#/block/" + hash, title: hash }, h("code", {}, text ?? shortHash(hash)));
export const paymentLink = (id) =>
  id ? h("a", { href: "#/payment/" + id, title: id }, h("code", {}, shortHash(id))) : "–";

// row is a row of a table. A cell that is a number is set apart as {number}.
export const row = (...cells) =>
  h(
    "tr",
    { role: "row" },
    cells.map((c) =>
      c?.number !== undefined
        ? h("td", { class: "number", role: "cell" }, String(c.number))
        : h("td", { role: "cell" }, c),
    ),
  );

// paymentRow is a row whose first cells are who pays whom; a phone, which has no row of titles, says which cell is which.
export function paymentRow(...cells) {
  const tr = row(...cells);
  for (const [i, key] of ["from", "to", "amount", "id"].entries()) tr.cells[i].dataset.column = t("payment." + key);
  return tr;
}
export const emptyRow = (columns, text) => h("tr", {}, h("td", { colspan: columns, class: "none" }, text));

// fact is a pair of a description list.
export const fact = (label, ...value) => h("div", {}, h("dt", {}, label), h("dd", {}, value));

// refused is what is shown where there is nothing, with a way back.
export const refused = (title, text, back) =>
  h("section", { class: "panel" }, h("h1", {}, title), h("p", { class: "bad" }, text), h("p", {}, back));

// hashBits shows a hash with its leading zeros marked, as many as are asked for in one colour.
export function hashBits(hash, zeros) {
  const n = hash.match(/^0*/)[0].length;
  return h(
    "code",
    { class: "hash" },
    n ? h("mark", { class: n >= zeros ? "enough" : "few" }, hash.slice(0, n)) : null,
    hash.slice(n),
  );
}

// still reports whether the reader wants no motion.
export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
