// The page: which view is open, what the node's events change, and the switches of language, theme and size.

import { at, learnName, nodeName, setText, short, who } from "/web/dom.js";
import { clock, number, remember, switchLanguage, t, translate } from "/web/i18n.js";
import { follow } from "/web/live.js";
import { answersAgain, forget, updateLines } from "/web/act.js";
import { accounts, hasLab, parse, secure } from "/web/node.js";
import { changed, everything, known, refresh, watch } from "/web/store.js";
import * as blocks from "/web/blocks.js";
import * as chain from "/web/chain.js";
import * as forks from "/web/forks.js";
import * as network from "/web/network.js";
import * as mining from "/web/mining.js";
import * as lab from "/web/lab.js";
import { splitText } from "/web/sides.js";
import * as unpaid from "/web/unpaid.js";

const views = { chain, forks, network, mining, lab };
const details = new Set(["block", "payment", "address"]); // that the view of the chain opens
let view = null; // the name of the open one

// named are the parts of what the address names; a slash at its start may be missing.
const named = () => (location.hash.replace(/^#\/?/, "") || "chain").split("/");

// route opens what the address names: #/forks, #/block/7, #/address/%E5%BC%A0.
function route() {
  const [first, second = ""] = named();
  const wanted = Object.hasOwn(views, first) ? first : "chain";
  const opened = Object.hasOwn(views, first) || details.has(first) ? first : "nowhere";
  let name = opened === "nowhere" ? first : second;
  try {
    name = decodeURIComponent(name);
  } catch {
    /* it is shown as it stands */
  }
  if (view && view !== wanted) views[view].close?.();
  const moved = view !== null;
  view = wanted;
  for (const v of Object.keys(views)) {
    at("view-" + v).hidden = v !== view;
    if (v === view) at("tab-" + v).setAttribute("aria-current", "page");
    else at("tab-" + v).removeAttribute("aria-current");
  }
  views[view].open(opened, name);
  // A reader who hears the page is told where the link has led.
  if (moved && !at("main").contains(document.activeElement) && !document.activeElement.closest("nav"))
    at("main").focus({ preventScroll: true });
  if (moved && first !== "block") scrollTo(0, 0);
}

function showFigures() {
  if (known.node) {
    setText(at("height"), number(known.node.height));
    setText(at("network"), known.node.network_name + " (" + known.node.network + (secure ? t("list.comma") + t("profile.secure") : "") + ")");
    document.title = known.node.height + " · kuai";
  }
  if (known.pending) setText(at("pending"), number(known.pending.count));
  if (known.mining) setText(at("mining"), mining.modeText(known.mining.mode));
  if (known.peers) setText(at("peers"), number(known.peers.peers.filter((p) => p.connected).length));
  showLabs();
}

// showLabs tells of connected nodes that fail on purpose: they say so behind their program's name.
function showLabs() {
  const labs = (known.peers?.peers ?? []).filter((p) => p.connected && p.agent.endsWith(" (lab)"));
  const who = labs.slice(0, 3).map((p) => short(nodeName(p.id)));
  if (labs.length > 3) who.push("…");
  setText(at("lab-peers"), labs.length ? t("lab.peers", { who: who.join(", ") }) : "");
  setText(at("lab-split"), splitText());
  at("lab-note").hidden = !hasLab && !labs.length;
}

const states = { connecting: "live.connecting", live: "live.on", lost: "live.lost" };

// showState shows whether what is seen is live, and since when it is not.
function showState() {
  setText(at("live"), t(states[known.live]));
  at("live").className = known.live;
  const stale = known.live === "lost";
  document.body.classList.toggle("stale", stale);
  const text = stale ? t("trouble.lost", { time: clock(known.at / 1000) }) : known.trouble;
  at("trouble").hidden = !text;
  setText(at("trouble"), text);
}

const heard = {
  open() {
    known.live = "live";
    answersAgain();
    refresh(...everything);
    showState();
  },
  lost() {
    known.live = "lost";
    showState();
  },
  block(text) {
    const event = parse(text);
    network.heard("block", event.from);
    refresh("node", "mining", "pending");
    if (event.unpaid) toast(unpaid.tell(event), "chain");
  },
  async reorg(text) {
    const event = parse(text);
    blocks.leave(event.old.index - event.dropped);
    network.heard("block", event.from);
    refresh(...everything);
    changed("reorg");
    const lost = unpaid.tell(event);
    toast([await forks.tell(event), lost].filter(Boolean).join(" "), "forks");
  },
  transaction(text) {
    const event = parse(text);
    network.heard("payment", event.from);
    unpaid.back(event.transaction.id);
    refresh("pending");
  },
  unpaid(text) {
    refresh("node", "pending");
    toast(unpaid.tell(parse(text)), "chain");
  },
  peer(text) {
    const lost = forks.tellLeft(JSON.parse(text).left ?? []);
    if (lost) toast(lost, "forks");
    refresh("peers", ...(hasLab ? ["node"] : [])); // a split is seen by who is connected
  },
  mining() {
    refresh("mining");
  },
  reset() {
    refresh(...everything);
  },
};

// toast tells what is not to be missed wherever the reader is; the story stays in a view, which a link opens.
function toast(text, to) {
  if (view === "forks" && to === "forks") return;
  at("news-text").textContent = text;
  at("news-link").href = "#/" + to;
  at("news-link").dataset.t = to === "forks" ? "news.show" : "news.payments";
  setText(at("news-link"), t(at("news-link").dataset.t));
  at("news").hidden = false;
}

function switches() {
  at("language").addEventListener("click", () => {
    switchLanguage();
    relabel();
  });
  at("theme").addEventListener("click", () => {
    // From the system's colours to the others, to the system's as one's own choice, and back to whatever the system has.
    const dark = matchMedia("(prefers-color-scheme: dark)").matches,
      [same, other] = dark ? ["dark", "light"] : ["light", "dark"];
    const now = document.documentElement.dataset.theme;
    choose("theme", !now ? other : now === other ? same : "");
    showTheme();
  });
  at("size").addEventListener("click", () => {
    choose("size", document.documentElement.dataset.size ? "" : "large");
    changed("node", "peers");
    showSize();
  });
  showSize();
  showTheme();
  at("news-close").addEventListener("click", () => {
    at("news").hidden = true;
    at("main").focus({ preventScroll: true }); // the button has gone
  });
}

const showSize = () =>
  at("size").setAttribute("aria-pressed", String(document.documentElement.dataset.size === "large"));

// showTheme says which colours are chosen.
function showTheme() {
  const text = t("theme." + (document.documentElement.dataset.theme ?? "system"));
  at("theme").setAttribute("aria-label", text);
  at("theme").title = text;
}

function choose(key, value) {
  if (value) document.documentElement.dataset[key] = value;
  else delete document.documentElement.dataset[key];
  remember("kuai-" + key, value);
}

function relabel() {
  for (const v of Object.values(views)) v.relabel?.();
  showFigures();
  showState();
  showTheme();
  forget();
  updateLines();
  if (!Object.hasOwn(views, named()[0])) route();
}

watch((what) => {
  if (what.has("trouble")) showState();
  showFigures();
  if (what.has("peers") && known.node) at("self").replaceChildren(who(known.node.peer_id));
  if (view) views[view].update(what);
});

translate();
for (const [address, name] of Object.entries(accounts)) learnName(address, name);
blocks.begin();
for (const v of Object.values(views)) v.start?.();
switches();
// The skip link leads to the content, not to another view.
at("skip").addEventListener("click", (e) => {
  e.preventDefault();
  at("main").focus();
});
window.addEventListener("hashchange", route);
refresh(...everything);
route();
showState();
follow((name, text) => heard[name](text));
