// The search: a block by its number or hash, a payment by its id, or by the start of these as the page shows it; a node by its name or
// peer id; else an address.

import { at, nodeName } from "/web/dom.js";
import { mark, say } from "/web/act.js";
import { t } from "/web/i18n.js";
import * as blocks from "/web/blocks.js";
import { known } from "/web/store.js";

// target is the view that shows what was typed.
function target(typed) {
  const text = typed.trim().toLowerCase();
  const index = /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
  if ((index >= 1 && index <= blocks.height) || /^[0-9a-f]{64}$/.test(text)) return "block/" + text;
  if (/^[0-9a-f]{32}$/.test(text)) return "payment/" + text;
  if (/^[0-9a-f]{8,63}$/.test(text)) {
    const block = blocks.byHash(text),
      pays = known.pending?.transactions.find((p) => p.id.startsWith(text));
    if (block) return "block/" + block.hash;
    if (pays) return "payment/" + pays.id;
  }
  const id = nodeOf(typed.trim());
  return id ? "network/" + id : "address/" + encodeURIComponent(typed); // blanks are part of a name
}

// nodeOf returns the peer id of a node that is called so, or has that id; "" if this node knows none.
function nodeOf(text) {
  const peers = known.peers?.peers ?? [];
  const ids = [known.node?.peer_id, ...peers.map((p) => p.id), ...peers.flatMap((p) => p.knows ?? [])].filter(Boolean);
  return ids.find((id) => id === text) ?? ids.find((id) => nodeName(id).toLowerCase() === text.toLowerCase()) ?? "";
}

export function start() {
  at("search").addEventListener("submit", (e) => {
    e.preventDefault();
    if (!at("query").value.trim()) return mark(e.target, at("query"), t("search.empty"));
    say(e.target, "");
    location.hash = "#/" + target(at("query").value);
    e.target.reset();
  });
}
