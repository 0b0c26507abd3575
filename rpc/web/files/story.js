// A step of a story, drawn: the nodes by the side on which they are, the blocks as a tree with the nodes at their
// tips, and charts of what was found beside what was expected.

import { h, s, short } from "/web/dom.js";
import { number, pick, t } from "/web/i18n.js";

const half = { w: 38, h: 20 }; // of a block
const stepX = 112,
  chipHigh = 24,
  room = 100, // for the chips of a tip
  chipRows = 3,
  columns = 40, // heights that are drawn
  lanesDrawn = 8;

// drawWorld lists the nodes. Those that do not reach each other are apart.
export function drawWorld(root, step, labels) {
  const sides = [...new Set(step.nodes.map((n) => n.side))].sort((a, b) => a - b);
  root.replaceChildren(
    ...sides.map((side) =>
      h(
        "ul",
        { class: "apart", "aria-label": sides.length > 1 ? t("story.side", { n: side + 1 }) : t("story.nodes") },
        step.nodes.filter((n) => n.side === side).map((n) => chip(n, labels.get(n.tip))),
      ),
    ),
  );
}

const chip = (n, label) =>
  h(
    "li",
    { class: "who " + n.role },
    h("b", {}, n.name),
    h(
      "span",
      {},
      [
        n.role && !["tutorial", "kuai"].includes(n.role) && t("role." + n.role),
        label && t("story.tip", { n: label }),
        n.share > 0 && n.share < 1 && Math.round(n.share * 1000) / 10 + " %",
        n.pending > 0 && t("story.pending", { n: number(n.pending) }),
      ]
        .filter(Boolean)
        .join(" · "),
    ),
    n.note && h("small", {}, pick(n.note)),
  );

// lay gives each block of the steps its lane: a first child goes on in its parent's, a second one begins another.
function lay(steps) {
  const blocks = new Map(),
    ends = []; // by lane, the last height in it
  for (const b of steps.flatMap((step) => step.blocks)) {
    const parent = blocks.get(b.previous_hash);
    let lane = parent && !parent.child ? parent.lane : ends.findIndex((end) => end < b.index - 1);
    if (lane < 0) lane = ends.length;
    if (parent) parent.child = true;
    ends[lane] = b.index;
    blocks.set(b.hash, { ...b, lane, child: false });
  }
  return blocks;
}

// drawStory draws the blocks of the steps, with the nodes as they are after the last one.
export function drawStory(root, steps) {
  const blocks = lay(steps),
    nodes = steps.at(-1).nodes;
  if (!blocks.size) {
    root.replaceChildren();
    root.hidden = true;
    return;
  }
  root.hidden = false;
  const tips = new Map(); // nodes by the hash of their tip
  for (const n of nodes) tips.set(n.tip, [...(tips.get(n.tip) ?? []), n]);
  const fresh = new Set(steps.at(-1).blocks.map((b) => b.hash));
  const main = new Set(); // what most nodes have, of the tips that are right
  const wrong = (hash) => Number(Boolean(blocks.get(hash)?.wrong));
  const [best] = [...tips].sort(
    ([a, on], [b, other]) => wrong(a) - wrong(b) || other.length - on.length || other[0].height - on[0].height,
  )[0] ?? [];
  for (let b = blocks.get(best); b; b = blocks.get(b.previous_hash)) main.add(b.hash);
  const high = Math.max(...[...blocks.values()].map((b) => b.index));
  const low = Math.max(1, high - columns + 1);
  const drawn = [...blocks.values()].filter((b) => b.index >= low && b.lane < lanesDrawn);
  const rows = new Map(drawn.map((b) => [b.hash, chipLines(tips.get(b.hash) ?? [])]));
  const tops = []; // y of each lane
  let y = half.h + 6;
  for (let lane = 0; lane <= Math.max(...drawn.map((b) => b.lane)); lane++) {
    tops[lane] = y;
    const most = Math.max(0, ...drawn.filter((b) => b.lane === lane).map((b) => rows.get(b.hash).length));
    y += 2 * half.h + 24 + most * chipHigh;
  }
  const first = Math.min(...drawn.map((b) => b.index));
  const at = (b) => ({ x: 56 + (b.index - first) * stepX, y: tops[b.lane] });
  const width = 112 + (high - first) * stepX,
    height = y - half.h - 12;
  const svg = s(
    "svg",
    { class: "story-svg", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": told(blocks, tips) },
    drawn.map((b) => edge(b, blocks.get(b.previous_hash), at, first, main)),
    drawn.map((b) => block(b, at(b), main.has(b.hash), fresh.has(b.hash), rows.get(b.hash))),
  );
  svg.style.width = width / 16 + "rem";
  svg.style.height = height / 16 + "rem";
  root.replaceChildren(svg);
  root.scrollLeft = root.scrollWidth;
}

// told is the drawing in words.
const told = (blocks, tips) =>
  t("story.drawn", {
    n: number(blocks.size),
    tips: [...tips].map(([hash, all]) => `${blocks.get(hash)?.label ?? "?"}: ${all.map((n) => n.name).join(", ")}`).join("; "),
  });

function edge(b, parent, at, first, main) {
  if (!parent) return "";
  const to = at(b),
    from = parent.index < first ? { x: 0, y: to.y } : at(parent);
  const x1 = from.x + half.w,
    x2 = to.x - half.w,
    mid = (x1 + x2) / 2;
  return s("path", {
    class: "link " + (b.wrong ? "wrong" : main.has(b.hash) ? "" : "side"),
    d: `M${x1} ${from.y}C${mid} ${from.y} ${mid} ${to.y} ${x2} ${to.y}`,
  });
}

function block(b, place, main, fresh, lines) {
  const kind = b.wrong ? "wrong" : main ? "" : "side";
  return s(
    "g",
    { class: `block ${kind} ${fresh ? "fresh" : ""}`, transform: `translate(${place.x} ${place.y})` },
    s("rect", { x: -half.w, y: -half.h, width: 2 * half.w, height: 2 * half.h, rx: 6 }),
    s("text", { y: b.miner ? -1 : 6, class: "label" }, (b.wrong ? "✗ " : "") + b.label),
    b.miner && s("text", { y: 14, class: "by" }, short(b.miner)),
    b.payments.length > 0 && s("circle", { class: "pays", cx: half.w - 2, cy: 2 - half.h, r: 8 }),
    b.payments.length > 0 && s("text", { class: "count", x: half.w - 2, y: 6 - half.h }, b.payments.length),
    lines.map((line, i) => chips(line, half.h + 8 + i * chipHigh)),
  );
}

const chipWide = (name) => Math.max(22, 14 + 7 * [...name].length);

// chipLines spreads names over few lines; what has no room is counted.
function chipLines(nodes) {
  const lines = [];
  let left = 0,
    count = 0;
  for (const n of nodes) {
    const need = chipWide(n.name) + 3;
    if (need > left) {
      if (lines.length === chipRows) break;
      lines.push([]);
      left = room;
    }
    lines.at(-1).push(n);
    left -= need;
    count++;
  }
  if (count < nodes.length) {
    const last = lines.at(-1);
    last.splice(-1);
    last.push({ name: "+" + (nodes.length - count + 1), role: "" });
  }
  return lines;
}

function chips(line, y) {
  const widths = line.map((n) => chipWide(n.name));
  let x = -(widths.reduce((a, b) => a + b + 3, -3) / 2);
  return line.map((n, i) => {
    const g = s(
      "g",
      { class: "chip " + n.role, transform: `translate(${x} ${y})` },
      s("rect", { width: widths[i], height: 20, rx: 10 }),
      s("text", { x: widths[i] / 2, y: 14.5 }, n.name),
    );
    x += widths[i] + 3;
    return g;
  });
}

// drawCharts draws pairs of bars on one scale for each chart.
export function drawCharts(root, charts) {
  root.replaceChildren(
    ...charts.map((c) => {
      const most = Math.max(1e-9, ...c.bars.flatMap((b) => [b.expected, b.found]));
      const percent = c.unit === "%";
      const bar = (value, kind) => {
        const fill = h("i", {});
        fill.style.width = `${Math.min(100, (100 * value) / (percent ? Math.max(100, most) : most))}%`;
        const text = number(Math.round(value * 10) / 10) + (percent ? " %" : "");
        return h("div", { class: "gauge " + kind }, h("span", {}, t("chart." + kind)), h("em", {}, fill), h("b", {}, text));
      };
      return h(
        "figure",
        { class: "chart" },
        h("figcaption", {}, pick(c.title), c.unit === "tries" ? ` (${t("chart.tries")})` : ""),
        c.bars.map((b) => h("div", { class: "pair" }, h("p", {}, pick(b.label)), bar(b.expected, "expected"), bar(b.found, "found"))),
      );
    }),
  );
}
