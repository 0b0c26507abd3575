// A lesson: a prediction, a run, its steps one by one, and what it has shown.

import { h, setText } from "/web/dom.js";
import { act, copyButton } from "/web/act.js";
import { number, pick, t } from "/web/i18n.js";
import { drawCharts, drawStory, drawWorld } from "/web/story.js";
import * as tamper from "/web/tamper.js";
import { secure } from "/web/node.js";

let lesson = null; // the one that is open
let story = null; // what its run has told
let step = 0;
let choice = 0; // of the prediction
let over = false; // the verdict is shown
let seed = 1;
let nodes = 0;
let told = null; // the panels of the story,
let shown = null; // and of its verdict

export function openLesson(root, chosen, all) {
  if (lesson?.name !== chosen.name) {
    [lesson, story, step, over, nodes, choice] = [chosen, null, 0, false, chosen.nodes, -1];
    tamper.forget();
  }
  const i = all.indexOf(chosen);
  told = h("section", { class: "panel", id: "told", hidden: true, "aria-labelledby": "told-title" });
  shown = h("section", { class: "panel", id: "shown", hidden: true, "aria-labelledby": "shown-title" });
  root.replaceChildren(
    h(
      "div",
      { class: "detail-head" },
      h("h1", {}, pick(chosen.title)),
      h("p", { class: "neighbours" }, h("a", { href: "#/lab" }, t("lesson.back"))),
    ),
    h("p", { class: "lead" }, pick(chosen.about)),
    predict(),
    told,
    shown,
    chosen.name === "tampering" && !secure ? tamper.panel() : "",
    h(
      "nav",
      { class: "neighbours ends", "aria-label": t("lesson.others") },
      all[i - 1] && h("a", { href: "#/lab/" + all[i - 1].name, rel: "prev" }, "← " + pick(all[i - 1].title)),
      all[i + 1] && h("a", { href: "#/lab/" + all[i + 1].name, rel: "next" }, pick(all[i + 1].title) + " →"),
    ),
  );
  if (story) tell();
  if (over) judge();
}

// predict asks what will happen, and runs the lesson.
function predict() {
  const count =
    lesson.min_nodes === lesson.max_nodes
      ? ""
      : field("nodes", t("lesson.nodes"), nodes || lesson.nodes, lesson.min_nodes, lesson.max_nodes);
  const form = h(
    "form",
    { id: "predict" },
    h(
      "fieldset",
      { class: "choices" },
      h("legend", {}, pick(lesson.question)),
      lesson.choices.map((c, i) =>
        h(
          "label",
          { class: "choice" },
          h("input", { type: "radio", name: "choice", value: i, required: true, checked: i === choice }),
          h("span", {}, h("b", {}, pick(c))),
        ),
      ),
    ),
    h(
      "div",
      { class: "fields try" },
      field("seed", t("lesson.seed"), seed, 1, Number.MAX_SAFE_INTEGER),
      count,
      h("button", { class: "first" }, t("lesson.run")),
      h("output", { class: "answer" }),
    ),
  );
  const section = h(
    "section",
    { class: "panel", "aria-labelledby": "predict-title" },
    h("h2", { id: "predict-title" }, t("lesson.predict")),
    form,
  );
  const asked = (data) => ({ seed: Number(data.get("seed")) || 1, nodes: Number(data.get("nodes") ?? 0) });
  const body = ({ seed, nodes }) => JSON.stringify(nodes && nodes !== lesson.nodes ? { seed, nodes } : { seed });
  act(form, (data) => ({ id: "playLesson", parameters: { name: lesson.name }, body: body(asked(data)) }), {
    then(answer) {
      const data = new FormData(form);
      ({ seed, nodes } = asked(data));
      [story, step, over, choice] = [answer, 0, false, Number(data.get("choice"))];
      shown.hidden = true;
      tell();
      told.firstChild.focus();
      return "";
    },
  });
  const code = h("code", { tabindex: "0" }),
    summary = h("summary", {}, "kuai lab run " + lesson.name);
  const command = () => {
    const a = asked(new FormData(form));
    const more = a.nodes && a.nodes !== lesson.nodes ? " --nodes " + a.nodes : "";
    setText(code, `kuai lab run ${lesson.name} --seed ${a.seed}${more}`);
    code.setAttribute("aria-label", t("lesson.command"));
  };
  command();
  form.addEventListener("input", command);
  section.append(h("details", { class: "curl" }, summary, h("div", {}, code, copyButton(code))));
  return section;
}

const field = (name, label, value, min, max) =>
  h("label", {}, h("span", {}, label), h("input", { name, type: "number", value, min, max, required: true }));

// tell shows the story up to the step that is open.
function tell() {
  const text = h("p", { class: "big", role: "status" }),
    place = h("p", { class: "hint" }),
    world = h("div", { id: "world" }),
    tree = h("div", { class: "wide story", role: "group", tabindex: "0", "aria-label": t("story.tree") }),
    news = h("ul", { class: "plain blocks" }),
    charts = h("div", { class: "charts" });
  const back = h("button", { type: "button", class: "second", id: "step-back" }, t("story.before"));
  const next = h("button", { type: "button", class: "first", id: "step-next" });
  const show = () => {
    const s = story.steps[step];
    setText(place, t("story.place", { n: step + 1, of: story.steps.length, at: number(Math.round(s.at * 10) / 10) }));
    setText(text, pick(s.text));
    drawWorld(world, s, labels());
    drawStory(tree, story.steps.slice(0, step + 1));
    news.replaceChildren(...s.blocks.filter((b) => b.payments.length || b.wrong).map(about));
    drawCharts(charts, s.charts);
    back.hidden = step === 0;
    const last = step === story.steps.length - 1;
    setText(next, t(last ? "story.verdict" : "story.next"));
    next.hidden = last && over;
  };
  back.addEventListener("click", () => {
    step--;
    show();
    if (back.hidden) next.focus();
  });
  next.addEventListener("click", () => {
    if (step < story.steps.length - 1) {
      step++;
      show();
      return;
    }
    over = true;
    show();
    judge();
    shown.firstChild.focus();
  });
  document.querySelector("#predict .try button").className = "second"; // what comes next is below
  told.hidden = false;
  told.replaceChildren(
    h("h2", { id: "told-title", tabindex: "-1" }, t("story.title")),
    place,
    text,
    world,
    tree,
    news,
    charts,
    h("div", { class: "actions" }, next, back),
  );
  show();
}

// labels is what the texts call the blocks, by their hashes.
const labels = () => new Map(story.steps.slice(0, step + 1).flatMap((s) => s.blocks.map((b) => [b.hash, b.label])));

// about tells of a block what the drawing has no room for.
const about = (b) =>
  h(
    "li",
    {},
    h("b", {}, t("story.block", { n: b.label })),
    b.payments.map((p, i) => [i ? "; " : " ", h("bdi", {}, p.sender), " → ", h("bdi", {}, p.recipient), " ", p.amount]),
    b.wrong && h("span", { class: "bad" }, " ✗ " + pick(b.wrong)),
  );

// judge shows whether the prediction was right, and what the story has shown.
function judge() {
  const right = choice === story.answer,
    v = story.verdict;
  shown.hidden = false;
  shown.replaceChildren(
    h("h2", { id: "shown-title", tabindex: "-1" }, t("verdict.title")),
    h(
      "p",
      { class: "said " + (right ? "good" : "bad") },
      t(right ? "verdict.right" : "verdict.wrong", { answer: pick(story.choices[story.answer]) }),
    ),
    h("p", { class: "big" }, pick(v.text)),
    h(
      "ul",
      { class: "checks" },
      v.checks.map((c) => h("li", { class: c.ok ? "good" : "bad" }, (c.ok ? "✓ " : "✗ ") + pick(c.text))),
    ),
  );
}

export const leave = () => tamper.stop();
