// The view of the lab: the faults that this node makes on purpose, and the lessons. A node without a lab shows how
// to start one.

import { at, h, nodeName, refused, setText, short } from "/web/dom.js";
import { act, copyButton, curlLine, say, send } from "/web/act.js";
import { number, pick, t } from "/web/i18n.js";
import { hasLab, problem, request } from "/web/node.js";
import * as lesson from "/web/lesson.js";
import * as sides from "/web/sides.js";
import { known } from "/web/store.js";

const off = { clock_skew_s: 0, cut: [], cut_all: false, delay_ms: 0, loss_percent: 0, pause: false };
const poll = 3000; // ms: another tab, or curl, may have set the switches
let lab = null; // the node's answer
let wanted = ""; // the lesson that the address names
let timer = 0;
let typed = false; // the form has what was not sent yet
let listed = ""; // the peers that can be chosen

// load asks for the lab. Where the node wants its token, a button asks for it.
async function load() {
  const res = await request("getLab").catch(() => null);
  if (!res) return;
  if (res.ok) take(await res.json());
  else if (!lab) {
    at("lab-open").hidden = false;
    say(at("lab-open"), (await problem(res)).detail ?? "", "");
  }
}

function take(answer) {
  const first = !lab;
  lab = answer;
  at("lab-open").hidden = true;
  if (first) showLessons();
  showSwitches();
  sides.showSides(lab.sides);
  if (first) show();
}

function show() {
  const chosen = lab?.lessons.find((l) => l.name === wanted);
  at("lab-none").hidden = hasLab;
  at("lab-head").hidden = Boolean(chosen);
  const unknown = lab && wanted && !chosen;
  at("lab-home").hidden = !lab || Boolean(chosen || unknown);
  at("lesson").hidden = !chosen && !unknown;
  if (unknown) at("lesson").replaceChildren(refused(t("lesson.unknown"), t("lesson.unknown.hint", { name: wanted }), h("a", { href: "#/lab" }, t("lesson.back"))));
  if (chosen) lesson.openLesson(at("lesson"), chosen, lab.lessons);
}

function showLessons() {
  for (const kind of ["idea", "bug"])
    at("lessons-" + kind).replaceChildren(
      ...lab.lessons
        .filter((l) => l.kind === kind)
        .map((l) =>
          h("li", {}, h("a", { href: "#/lab/" + l.name }, h("b", {}, pick(l.title)), h("span", {}, pick(l.about)))),
        ),
    );
}

// switchesText says in words which switches are on.
function switchesText(s) {
  const parts = [];
  if (s.cut_all) parts.push(t("lab.on.all"));
  else if (s.cut.length) parts.push(t("lab.on.cut", { who: s.cut.map((id) => short(nodeName(id))).join(", ") }));
  if (s.pause) parts.push(t("lab.on.pause"));
  if (s.loss_percent) parts.push(t("lab.on.loss", { n: s.loss_percent }));
  if (s.delay_ms) parts.push(t("lab.on.delay", { n: number(s.delay_ms) }));
  if (s.clock_skew_s) parts.push(t("lab.on.skew", { n: number(s.clock_skew_s) }));
  return parts.join(" · ") || t("lab.on.none");
}

// showSwitches shows what holds. What is being typed stays.
function showSwitches(force) {
  if (!lab) return;
  const s = lab.switches,
    form = at("switches");
  setText(at("lab-now"), switchesText(s));
  at("lab-now").className = "switched " + (switchesText(s) === t("lab.on.none") ? "" : "on");
  if (typed && !force) return;
  typed = false;
  form.all.checked = s.cut_all;
  form.delay.value = s.delay_ms;
  form.loss.value = s.loss_percent;
  form.skew.value = s.clock_skew_s;
  form.pause.checked = s.pause;
  showPeers();
}

// showPeers lists those that can be cut off, and those that are.
function showPeers() {
  const ids = new Set(lab.switches.cut);
  for (const p of known.peers?.peers ?? []) if (p.connected && ids.size < 256) ids.add(p.id);
  const list = [...ids].map(nodeName).join() + lab.switches.cut.join() + t("lab.alone");
  if (listed === list) return; // a box that is filled anew would lose the focus
  listed = list;
  const boxes = [...ids].map((id) =>
    h(
      "label",
      { class: "choice" },
      h("input", { type: "checkbox", name: "cut", value: id, checked: lab.switches.cut.includes(id) }),
      h("span", {}, h("b", { title: id }, h("bdi", {}, short(nodeName(id))))),
    ),
  );
  at("cut-peers").replaceChildren(...(boxes.length ? boxes : [h("p", { class: "hint" }, t("lab.alone"))]));
}

// asked is what the form asks for: all switches that are not off.
function asked(data) {
  const to = {
    clock_skew_s: Number(data.get("skew")),
    cut: data.getAll("cut"),
    cut_all: data.get("all") !== null,
    delay_ms: Number(data.get("delay")),
    loss_percent: Number(data.get("loss")),
    pause: data.get("pause") !== null,
  };
  return Object.fromEntries(Object.entries(to).filter(([key, value]) => String(value) !== String(off[key])));
}

function switched(answer) {
  lab.switches = answer;
  listed = "";
  showSwitches(true);
  return switchesText(answer);
}

export function open(_, name) {
  wanted = name;
  show();
  if (!hasLab) return;
  load();
  clearInterval(timer);
  timer = setInterval(() => {
    if (!document.hidden && known.live === "live" && !wanted) load();
  }, poll);
}

export function close() {
  clearInterval(timer);
  lesson.leave();
}

export function update(what) {
  if (what.has("peers") && lab && !typed) showPeers();
}

export function relabel() {
  if (!lab) return;
  showLessons();
  showSwitches(true);
  sides.relabelSides();
  show();
}

export function start() {
  at("lab-command").after(copyButton(at("lab-command")));
  if (!hasLab) return;
  act(at("lab-open"), () => ({ id: "getLab" }), {
    then(answer) {
      take(answer);
      return "";
    },
    below: at("switches"),
  });
  sides.start();
  const form = at("switches");
  const command = act(form, (data) => ({ id: "setSwitches", body: JSON.stringify(asked(data)) }), { then: switched });
  command.after(curlLine(() => ({ id: "setSwitches", body: "{}" })));
  form.addEventListener("input", () => {
    typed = true;
  });
  at("heal").addEventListener("click", () =>
    send(form, { id: "setSwitches", body: "{}" }, switched).then(() => command.update()),
  );
}
