// The tree of branches as a drawing: older blocks left, newer right, the active chain on top. Blocks are known
// by their hashes, so that what moves between two drawings is seen to move.

import { fit, hue, nodeName, s, short, shortHash, still } from "/web/dom.js";
import { t } from "/web/i18n.js";

const stepX = 124,
  stepY = 100,
  left = 56,
  above = 50; // of the places of blocks, in the drawing's units
const half = { w: 42, h: 25 }; // of a block

// lanesOf gives each branch the first lane in which no other one is at the same heights. Branches have {from, to}.
export function lanesOf(branches) {
  const lanes = []; // by lane, what is taken
  return branches.map((b) => {
    let lane = lanes.findIndex((taken) => taken.every((o) => b.to < o.from || b.from > o.to));
    if (lane < 0) lane = lanes.push([]) - 1;
    lanes[lane].push(b);
    return lane + 1;
  });
}

// Tree draws {low, blocks: [{hash, index, lane, kind, miner, previous}]} into an element. kind is "active" or "side".
export class Tree {
  constructor(root) {
    this.root = root;
    this.edges = s("g", { class: "edges" });
    this.nodes = s("g", { class: "nodes" });
    this.tip = s("text", { class: "tip" });
    this.svg = s("svg", { class: "tree-svg", role: "group", "aria-label": t("forks.tree") }, this.edges, this.nodes, this.tip);
    this.drawn = new Map(); // by hash: {node, edge, title}
    root.replaceChildren(this.svg);
  }

  draw({ low, blocks }) {
    const atEnd = this.root.scrollLeft + this.root.clientWidth >= this.root.scrollWidth - stepX;
    const places = new Map(
      blocks.map((b) => [b.hash, { x: left + (b.index - low) * stepX, y: above + b.lane * stepY }]),
    );
    const high = Math.max(...blocks.map((b) => b.index)),
      lanes = Math.max(0, ...blocks.map((b) => b.lane));
    const tip = blocks.findLast((b) => b.kind === "active");
    this.tip.textContent = tip ? t("forks.tip") : "";
    this.tip.setAttribute("x", tip ? places.get(tip.hash).x : 0);
    this.tip.setAttribute("y", above - half.h - 9);
    const width = left * 2 + (high - low) * stepX,
      height = above + 36 + lanes * stepY + 16;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.style.width = width / 16 + "rem";
    this.svg.style.height = height / 16 + "rem";
    for (const [hash, drawn] of this.drawn) {
      if (places.has(hash)) continue;
      drawn.node.remove();
      drawn.edge.remove();
      this.drawn.delete(hash);
    }
    for (const b of blocks) this.place(b, places.get(b.hash), places.get(b.previous));
    if (atEnd) this.root.scrollLeft = this.root.scrollWidth;
  }

  place(b, place, parent) {
    let drawn = this.drawn.get(b.hash);
    if (!drawn) {
      drawn = { node: newNode(b), edge: s("path", {}), title: s("title", {}) };
      drawn.node.prepend(drawn.title);
      this.drawn.set(b.hash, drawn);
      this.nodes.append(drawn.node);
      this.edges.append(drawn.edge);
      if (!still()) drawn.node.lastChild.classList.add("grows");
    }
    drawn.node.setAttribute("class", "node " + b.kind + " " + hue(b.miner));
    drawn.title.textContent = t("forks.block." + b.kind, {
      n: b.index,
      miner: b.miner ? short(nodeName(b.miner)) : t("block.nobody"),
    });
    drawn.node.style.transform = `translate(${place.x}px, ${place.y}px)`;
    drawn.edge.setAttribute("class", b.kind);
    drawn.edge.setAttribute(
      "d",
      parent ? curve(parent, place) : b.index > 1 ? `M0 ${place.y}H${place.x - half.w}` : "",
    );
    drawn.edge.classList.toggle("cut", !parent);
  }
}

function curve(from, to) {
  const x1 = from.x + half.w,
    x2 = to.x - half.w,
    mid = (x1 + x2) / 2;
  return `M${x1} ${from.y}C${mid} ${from.y} ${mid} ${to.y} ${x2} ${to.y}`;
}

function newNode(b) {
  return s(
    "a",
    { href: "#/block/" + b.hash },
    s(
      "g",
      {},
      s("rect", { x: -half.w, y: -half.h, width: 2 * half.w, height: 2 * half.h, rx: 6 }),
      s("rect", { class: "band", x: -half.w + 1, y: -half.h + 1, width: 6, height: 2 * half.h - 2, rx: 3 }),
      s("text", { x: 3, y: -3, class: "index" }, b.index),
      s("text", { x: 3, y: 15, class: "hash" }, shortHash(b.hash)),
      s("text", { y: half.h + 17, class: "miner" }, b.miner ? fit(nodeName(b.miner)) : t("block.first")),
    ),
  );
}
