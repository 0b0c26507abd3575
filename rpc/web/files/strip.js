// The strip of blocks, newest first, with the pending payments as the ghost of the next block before them. Only
// the cards in sight exist.

import { at, fit, h, hue, setText, nodeName, shortHash, still } from "/web/dom.js";
import { number, t } from "/web/i18n.js";
import * as blocks from "/web/blocks.js";
import { known } from "/web/store.js";

const most = 40000; // cards of one rail: browsers end elements at some 17 million pixels
const spare = 4; // cards kept beyond each edge

const strip = at("strip"),
  rail = at("rail");
const cards = new Map(); // by index; 0 is the ghost

let top = 0; // the index that the rail begins with, 0 for the tip
let shownHeight = 0;
let selected = ""; // hash of the block that is open
let stop = 0; // the card that Tab leads to; the arrows lead to the others

const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
const pitch = () => 11.5 * rem();
const first = () => top || blocks.height;

// slotOf is where a block stands; slot 0 is the ghost's.
const slotOf = (index) => first() - index + 1;

export function select(hash, index) {
  selected = hash;
  if (index) show((stop = index));
  draw();
}

// show scrolls to a block, if it is not in sight.
function show(index) {
  const wanted = index > blocks.height - most ? 0 : index + spare;
  if (wanted !== top && (wanted === 0 || slotOf(index) < 1 || slotOf(index) > most))
    top = Math.min(wanted, blocks.height);
  resize();
  const left = slotOf(index) * pitch();
  if (left < strip.scrollLeft || left + pitch() > strip.scrollLeft + strip.clientWidth)
    strip.scrollLeft = Math.max(0, left - (strip.clientWidth - pitch()) / 2);
}

// newest scrolls to the ghost.
export function newest() {
  top = stop = 0;
  strip.scrollLeft = 0;
  draw();
}

const resize = () => {
  rail.style.width = (Math.min(first(), most) + 1) * pitch() + "px";
};

// draw shows the cards in sight, and asks for those that are not held.
export function draw() {
  const grown = blocks.height - shownHeight;
  // A reader who looks at older blocks keeps them before the eyes.
  if (shownHeight && grown > 0 && !top && strip.scrollLeft > pitch() / 2) strip.scrollLeft += grown * pitch();
  resize();
  rail.classList.toggle("slides", grown > 0 && grown <= 2 && !still());
  shownHeight = blocks.height;
  const from = Math.max(0, Math.floor(strip.scrollLeft / pitch()) - spare);
  const to = Math.min(Math.min(first(), most) + 1, Math.ceil((strip.scrollLeft + strip.clientWidth) / pitch()) + spare);
  if (stop && (stop > first() || slotOf(stop) > most)) stop = 0;
  const wanted = new Set([0, stop]);
  for (let slot = Math.max(1, from); slot < to; slot++) wanted.add(first() - slot + 1);
  for (const [index, card] of cards)
    if (!wanted.has(index) && !card.contains(document.activeElement)) drop(index, card);
  let before = null; // in the document, where Tab and who hears the page go: the ghost, then the newest
  for (const index of [...wanted].sort((a, b) => (b || Infinity) - (a || Infinity))) before = place(index, before);
  const low = Math.max(1, first() - to + 2),
    high = first() - Math.max(1, from) + 2;
  missing(low, high);
}

function drop(index, card) {
  card.remove();
  cards.delete(index);
}

let loading = false;
async function missing(low, high) {
  const holes = Array.from({ length: Math.max(0, high - low) }, (_, i) => low + i).some(
    (i) => i <= blocks.height && !blocks.get(i),
  );
  if (!holes || loading) return;
  loading = true;
  try {
    await blocks.load(low, Math.min(high, blocks.height + 1));
    loading = false;
    draw();
  } catch {
    loading = false; // the next event or scroll asks again
  }
}

function place(index, before) {
  let slot = cards.get(index);
  if (!slot) {
    slot = h("div", { class: "slot", role: "listitem" }, index ? newCard() : newGhost());
    cards.set(index, slot);
    if (before) before.after(slot);
    else rail.prepend(slot);
  }
  slot.style.transform = `translateX(${index ? slotOf(index) * pitch() : 0}px)`;
  slot.classList.toggle("last", index === 1);
  slot.firstChild.tabIndex = index === stop ? 0 : -1;
  slot.setAttribute("aria-setsize", blocks.height + 1);
  slot.setAttribute("aria-posinset", index ? blocks.height - index + 2 : 1);
  if (index) fillCard(slot.firstChild, index);
  else fillGhost(slot.firstChild);
  return slot;
}

const newCard = () => h("a", {}, h("b", {}), h("code", {}), h("span", { class: "pays" }), h("bdi", { class: "miner" }));
const newGhost = () =>
  h(
    "a",
    { class: "card ghost", href: "#/chain", onclick: newest },
    h("b", {}),
    h("span", { class: "pays" }),
    h("span", { class: "miner" }),
  );

function fillCard(card, index) {
  const block = blocks.get(index);
  const [title, hash, pays, miner] = card.children;
  setText(title, number(index));
  setText(hash, block ? shortHash(block.hash) : "…");
  setText(pays, !block ? "" : block.given ? t("payments.given", { n: number(block.given) }) : paymentsText(block.payments));
  setText(miner, block ? (block.miner ? fit(nodeName(block.miner)) : t("block.first")) : "");
  card.className = "card " + (block ? hue(block.miner) : "");
  card.href = "#/block/" + (block?.hash ?? index);
  if (block && block.hash === selected) card.setAttribute("aria-current", "true");
  else card.removeAttribute("aria-current");
}

export const paymentsText = (n) =>
  t(n === 0 ? "payments.none" : "payments.many", { n: number(n) });

function fillGhost(card) {
  const [title, pays, miner] = card.children;
  setText(title, top ? "…" : number(blocks.height + 1));
  setText(pays, top ? "" : paymentsText(known.pending?.count ?? 0));
  setText(miner, top ? t("ghost.newer") : known.mining?.searching ? t("ghost.searching") : t("ghost.next"));
  card.classList.toggle("searching", Boolean(known.mining?.searching));
}

let waiting = 0;
strip.addEventListener(
  "scroll",
  () => {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      draw();
    });
  },
  { passive: true },
);
new ResizeObserver(() => draw()).observe(strip);

// The arrows go from card to card, Home to the ghost, End to the first block.
strip.addEventListener("keydown", (e) => {
  const here = [...cards].find(([, slot]) => slot.contains(document.activeElement))?.[0];
  if (here === undefined || e.altKey || e.ctrlKey || e.metaKey) return;
  const older = here ? Math.max(1, here - 1) : first(),
    newer = here && here < first() ? here + 1 : 0;
  const next = { ArrowRight: older, ArrowLeft: newer, Home: 0, End: 1 }[e.key];
  if (next === undefined) return;
  e.preventDefault();
  if (e.key === "Home") newest();
  else if (next) show(next);
  else strip.scrollLeft = 0;
  stop = next;
  draw();
  cards.get(next).firstChild.focus({ preventScroll: true });
});
strip.addEventListener("focusin", () => {
  stop = [...cards].find(([, slot]) => slot.contains(document.activeElement))?.[0] ?? stop;
  for (const [index, slot] of cards) slot.firstChild.tabIndex = index === stop ? 0 : -1;
});

// begin takes the place of the cards of the first paint.
export function begin() {
  rail.replaceChildren();
  draw();
}
