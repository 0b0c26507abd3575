// Two sides: the teacher's node parts the class in two, and heals it. Each lab node has agreed to that by the invitation
// that it joined with.

import { at, h, nodeName, setText, short } from "/web/dom.js";
import { act, curlLine, send } from "/web/act.js";
import { clock, number, t } from "/web/i18n.js";
import { known, refresh } from "/web/store.js";

let sides = null; // the node's answer
let listed = ""; // the nodes that can be chosen
let timer = 0;

const name = (id) => short(nodeName(id));
const ends = (split) => clock(Date.parse(split.until) / 1000);

// splitText says on which side this node is, in the banner of all views.
export function splitText() {
  const split = known.node?.split;
  if (!split || Date.parse(split.until) <= Date.now()) return "";
  clearTimeout(timer);
  timer = setTimeout(() => refresh("node"), Math.min(Date.parse(split.until) - Date.now() + 500, 3_600_000));
  const who = split.teacher === known.node.peer_id ? t("block.self") : name(split.teacher);
  return t("sides.banner", { n: split.side, time: ends(split), who });
}

// showSides shows what the node says of its split.
export function showSides(answer) {
  sides = answer;
  const split = sides.side > 0;
  setText(
    at("sides-now"),
    split
      ? t(sides.side === 1 ? "sides.on.first" : "sides.on.second", { n: number(sides.other.length), time: ends(sides) })
      : t("sides.on.none"),
  );
  at("sides-now").className = "switched" + (split ? " on" : "");
  at("sides-heal").hidden = !split;
  at("sides-choice").hidden = split || !sides.followers.length;
  at("sides-go").hidden = split || !sides.followers.length;
  at("sides-none").hidden = split || sides.followers.length > 0;
  showNodes();
}

function showNodes() {
  const list = sides.followers.map(nodeName).join();
  if (listed === list) return; // a box that is filled anew would lose the focus
  listed = list;
  const marked = new Set(new FormData(at("sides")).getAll("other"));
  at("sides-nodes").replaceChildren(
    ...sides.followers.map((id) =>
      h(
        "label",
        { class: "choice" },
        h("input", { type: "checkbox", name: "other", value: id, checked: marked.has(id) }),
        h("span", {}, h("b", { title: id }, h("bdi", {}, name(id)))),
      ),
    ),
  );
}

// told says who followed, and who did not and why.
function told(answer) {
  const pressed = at("sides").contains(document.activeElement);
  showSides(answer.sides);
  if (pressed) at(at("sides-heal").hidden ? "sides-go" : "sides-heal").focus(); // the other button is hidden now
  refresh("node", "peers");
  const failed = answer.asked.filter((a) => a.error);
  const followed = answer.asked.length - failed.length;
  return [
    t("sides.followed", { n: number(followed) }),
    ...failed.map((a) => name(a.id) + ": " + a.error),
  ].join(" · ");
}

export function relabelSides() {
  listed = "";
  if (sides) showSides(sides);
}

export function start() {
  const form = at("sides");
  const asked = (data) => {
    const body = { seconds: Math.round(Number(data.get("minutes")) * 60) };
    if (data.getAll("other").length) body.other = data.getAll("other");
    return { id: "splitNetwork", body: JSON.stringify(body) };
  };
  const command = act(form, asked, { then: told });
  command.after(curlLine(() => ({ id: "healNetwork" })));
  at("sides-heal").addEventListener("click", () => send(form, { id: "healNetwork" }, told));
}
