// The node and its peers as a map: the farther away, the longer an answer takes. What crosses an edge is seen
// to cross it.

import { columnsOf, nodeName, s, short, still } from "/web/dom.js";
import { t } from "/web/i18n.js";

const most = 24; // peers that are drawn, and as many that only they know
const crossing = 700; // ms that a pulse takes
const crowd = 10; // peers up to which names stand above and below their circles, and latencies on the edges
const narrow = 420; // units of a drawing that has no room for the names of a crowd
const letter = 8.8; // units that a column of a name takes
const aside = { columns: 16, letter: 7.6, gap: 16 }; // of names that stand beside the circles of a crowd

export const drawnPeers = most;

let places = new Map(); // by peer id
let centre = { x: 0, y: 0 };
let nearest = 0.4; // of the way out: where the ring of 1 ms is
const pulses = s("g", { class: "pulses" }); // what crosses goes on when the map is drawn anew

// strangers are the ids that peers say to be connected with and this node is not, each with the ids of those who say so.
export function strangers(self, peers) {
  const near = new Set([self, ...peers.filter((p) => p.connected).map((p) => p.id)]);
  const found = new Map();
  for (const p of peers)
    for (const id of p.knows ?? []) if (!near.has(id)) found.set(id, [...(found.get(id) ?? []), p.id]);
  return found;
}

// drawMap draws the peers, connected ones first, and outside them those that only they know. The drawing's units are as
// large as the page's type makes them.
export function drawMap(root, self, peers) {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const width = Math.max(280, Math.min(760, ((root.clientWidth || 600) * 16) / rem));
  const far = [...strangers(self, peers)].slice(0, most);
  const room = width > narrow || peers.length < 5 ? 0 : 60; // a phone has it below
  const height = room + (far.length ? Math.min(500, Math.max(400, width * 0.78)) : Math.min(440, Math.max(320, width * 0.72)));
  centre = { x: width / 2, y: height / 2 };
  const unknown = new Set(far.map(([id]) => id)); // a remembered peer that others are connected with is drawn once
  const drawn = peers.filter((p) => p.id && !unknown.has(p.id)).slice(0, most);
  const many = drawn.length > crowd,
    named = !many || width > narrow;
  nearest = many ? 0.7 : width > narrow ? 0.4 : 0.6; // a crowd needs room
  const reach = { x: width / 2 - (many && named ? aside.columns * aside.letter + 26 : 44), y: height / 2 - 44 };
  const inner = far.length ? { x: reach.x * 0.74, y: reach.y * 0.74 } : reach;
  places = new Map(drawn.map((p, i) => [p.id, place(p, i, drawn.length, inner)]));
  const outside = spread(far, reach);
  const titles = many ? new Map() : labels(drawn, width, height);
  const connected = drawn.filter((p) => p.connected).length;
  const svg = s(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": t("map.label", { n: connected }) + (far.length ? " " + t("map.far", { n: far.length }) : ""),
    },
    rings.map((ms) => s("ellipse", { class: "ring", cx: centre.x, cy: centre.y, rx: inner.x * out(ms), ry: inner.y * out(ms) })),
    theirs(drawn, outside),
    drawn.map((p) => line(p, places.get(p.id))),
    rings.filter((ms) => (width > narrow && !many) || ms === 1 || ms === 1000).map((ms) => s("text", { class: "scale", x: centre.x - inner.x * out(ms) * 0.34, y: centre.y - inner.y * out(ms) * 0.94 + 4 }, scale(ms))),
    [...outside].map(([id, at]) => stranger(id, at, width)),
    drawn.map((p) => dot(p, places.get(p.id), many, titles.get(p.id))),
    many && named && names(drawn),
    !many && drawn.map((p) => latencyText(p, places.get(p.id), width)),
    pulses,
    s(
      "g",
      { class: "self", transform: `translate(${centre.x} ${centre.y})` },
      s("circle", { r: 24 }),
      s("text", { y: 5 }, t("map.self")),
      s("title", {}, self),
    ),
  );
  root.replaceChildren(svg);
  uncover(svg);
}

const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

// uncover hides a latency that would touch another text or a circle, and then a ring's time: the table has the latencies.
function uncover(svg) {
  const taken = [...svg.querySelectorAll("text:not(.latency, .scale), .peer circle, .self circle")].map((text) => text.getBoundingClientRect());
  for (const text of [...svg.querySelectorAll(".latency"), ...svg.querySelectorAll(".scale")]) {
    const box = text.getBoundingClientRect(),
      covered = taken.some((b) => meet(box, b));
    text.classList.toggle("covered", covered);
    if (!covered) taken.push(box);
  }
}

// labels finds room for the names of peers: below or above its circle, shorter where it is narrow. A name without room is left out: the
// circle's title and the table have it.
function labels(drawn, width, height) {
  const box = (x, y, halfWidth, up, down) => ({ left: x - halfWidth, right: x + halfWidth, top: y - up, bottom: y + down });
  const taken = [box(centre.x, centre.y, 26, 26, 26), ...drawn.map((p) => box(places.get(p.id).x, places.get(p.id).y, 18, 18, 18))];
  const found = new Map();
  for (const p of drawn) {
    const at = places.get(p.id),
      sides = at.y >= centre.y ? [37, -26] : [-26, 37];
    const ways = (width > narrow ? [24, 16, 10] : [16, 10]).flatMap((room) => {
      const text = short(nodeName(p.id), room),
        half = (columnsOf(text) * letter) / 2,
        outward = (at.x < centre.x ? -1 : 1) * Math.max(0, half - 18);
      return [0, outward].flatMap((aside) => {
        const x = Math.max(half - at.x, Math.min(aside, width - half - at.x));
        return sides.map((y) => ({ x, y, text, box: box(at.x + x, at.y + y, half, 13, 4) }));
      });
    });
    const way = ways.find((w) => w.box.top > 0 && w.box.bottom < height && !taken.some((b) => meet(b, w.box)));
    if (!way) continue;
    taken.push(way.box);
    found.set(p.id, way);
  }
  return found;
}

// theirs are the edges of which this node has only heard, each once.
function theirs(drawn, outside) {
  const edges = new Map();
  for (const p of drawn)
    for (const id of p.knows ?? []) {
      const from = places.get(p.id),
        to = places.get(id) ?? outside.get(id);
      if (to) edges.set([p.id, id].sort().join(), { from, to });
    }
  return s(
    "g",
    { class: "theirs" },
    [...edges.values()].map(({ from, to }) => s("path", { d: around(from, to) })),
  );
}

// around leads from one place to another past the centre, where this node and its own edges are.
function around(from, to) {
  const mid = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  let out = { x: mid.x - centre.x, y: mid.y - centre.y };
  if (Math.hypot(out.x, out.y) < 24) out = { x: from.y - to.y, y: to.x - from.x }; // they are opposite of each other
  const far = Math.hypot(out.x, out.y) || 1,
    by = Math.hypot(from.x - to.x, from.y - to.y) / 3;
  return `M${from.x} ${from.y}Q${mid.x + (out.x / far) * by} ${mid.y + (out.y / far) * by} ${to.x} ${to.y}`;
}

// spread puts each stranger outside those who know it, as far from the next one as there is room.
function spread(far, reach) {
  const angle = ([, by]) => {
    const at = by.map((id) => places.get(id)).filter(Boolean);
    return Math.atan2(
      at.reduce((sum, p) => sum + (p.y - centre.y) / reach.y, 0),
      at.reduce((sum, p) => sum + (p.x - centre.x) / reach.x, 0),
    );
  };
  const beside = 0.35; // of the line from the centre, where the name of the peer stands
  const sorted = far.map((f) => ({ id: f[0], at: angle(f) + beside })).sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  const gap = Math.min(0.5, (2 * Math.PI) / Math.max(1, sorted.length));
  for (let i = 1; i < sorted.length; i++) sorted[i].at = Math.max(sorted[i].at, sorted[i - 1].at + gap);
  return new Map(
    sorted.map(({ id, at }) => [id, { x: centre.x + Math.cos(at) * reach.x, y: centre.y + Math.sin(at) * reach.y }]),
  );
}

const rings = [1, 10, 100, 1000]; // ms

const scale = (ms) => (ms < 1000 ? ms + " " + t("unit.ms") : ms / 1000 + " " + t("unit.s"));

// out is how far from the centre a peer is that takes so many ms to answer: each ring stands for ten times the time of the one within.
const out = (ms) => nearest + ((1 - nearest) / 3) * Math.min(3, Math.log10(Math.max(0.3, ms)));

// place puts a peer the farther out, the longer it takes to answer. One that is not connected is outside.
function place(p, i, n, reach) {
  const r = out(p.latency_ms ?? 1000);
  const angle = (2 * Math.PI * (i + (n > crowd ? 0.5 : 0))) / n - Math.PI / 4;
  return { x: centre.x + Math.cos(angle) * r * reach.x, y: centre.y + Math.sin(angle) * r * reach.y };
}

function stranger(id, at, width) {
  return s(
    "g",
    { class: "stranger", transform: `translate(${at.x} ${at.y})` },
    s("title", {}, id),
    s("circle", { r: 9 }),
    label(short(nodeName(id), width > narrow ? 24 : 16), at, width, at.y >= centre.y ? 27 : -16),
  );
}

// label is a text above or below a place, moved aside where the drawing ends.
function label(text, at, width, y) {
  const half = (columnsOf(text) * letter) / 2;
  const x = Math.max(half - at.x, Math.min(0, width - half - at.x));
  return s("text", { x, y }, text);
}

const latency = (p) => (p.connected && p.latency_ms !== null ? p.latency_ms.toFixed(1) + " " + t("unit.ms") : "");

const line = (p, at) =>
  s("g", { class: "edge" + (p.connected ? "" : " off") }, s("line", { x1: centre.x, y1: centre.y, x2: at.x, y2: at.y }));

// latencyText stands beside the middle of an edge, on the side that is away from the middle of the drawing, where the scale is.
function latencyText(p, at, width) {
  const text = latency(p);
  if (!text) return null;
  const dx = at.x - centre.x,
    dy = at.y - centre.y,
    length = Math.hypot(dx, dy) || 1,
    lean = ((dx < 0 ? -1 : 1) * Math.abs(dy)) / length; // of the text from the edge: to the right, to the left
  const away = dx * dy >= 0 ? 1 : -1; // turns the edge's direction to that side
  const gap = 7 + (10 * Math.abs(dx)) / length;
  const x = centre.x + dx * 0.6 + (away * dy * gap) / length,
    y = centre.y + dy * 0.6 - (away * dx * gap) / length;
  const anchor = lean > 0.5 ? "right" : lean < -0.5 ? "left" : "",
    room = text.length * letter;
  return s("text", { class: "latency " + anchor, x: Math.max(room, Math.min(width - room, x)), y: y + 5 }, text);
}

// names are those of a crowd, beside the circles, each a line away from the next one: up from the middle in the upper half, down in the other.
function names(drawn) {
  const all = [];
  for (const right of [true, false])
    for (const up of [true, false]) {
      const some = drawn
        .map((p) => ({ p, at: places.get(p.id) }))
        .filter(({ at }) => at.x >= centre.x === right && at.y < centre.y === up)
        .sort((a, b) => (up ? b.at.y - a.at.y : a.at.y - b.at.y));
      let last = centre.y + (up ? aside.gap / 2 : -aside.gap / 2);
      for (const { p, at } of some) {
        last = up ? Math.min(at.y, last - aside.gap) : Math.max(at.y, last + aside.gap);
        all.push(
          s("text", { class: right ? "right" : "left", x: at.x + (right ? 20 : -20), y: last + 5 }, short(nodeName(p.id), aside.columns)),
        );
      }
    }
  return s("g", { class: "crowd" }, all);
}

function dot(p, at, many, title) {
  return s(
    "g",
    { class: "peer" + (p.connected ? "" : " off"), transform: `translate(${at.x} ${at.y})` },
    s("title", {}, [nodeName(p.id), p.id, latency(p)].join(" ")),
    s("circle", { r: many ? 13 : 18 }),
    s("text", { class: "height", y: 5 }, p.height || ""),
    title && s("text", { x: title.x, y: title.y }, title.text),
  );
}

// pulse shows a block or payment cross from whom it came to this node, and on to the others.
export function pulse(kind, from) {
  if (document.hidden || pulses.childElementCount > 60) return;
  const source = places.get(from);
  if (source) cross(kind, source, centre, 0);
  for (const [id, place] of places) if (id !== from) cross(kind, centre, place, source ? crossing : 0);
}

function cross(kind, from, to, delay) {
  const dot = s("circle", { class: kind, r: kind === "block" ? 8 : 5 });
  pulses.append(dot);
  const move = still()
    ? [{ transform: `translate(${to.x}px, ${to.y}px)` }, { transform: `translate(${to.x}px, ${to.y}px)` }]
    : [{ transform: `translate(${from.x}px, ${from.y}px)` }, { transform: `translate(${to.x}px, ${to.y}px)` }];
  dot.animate(move, { duration: crossing, delay, easing: "ease-in-out", fill: "backwards" }).finished.then(
    () => dot.remove(),
    () => dot.remove(), // the browser has cancelled it
  );
}
