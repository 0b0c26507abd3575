// Actions: what a form sends, the answer beside it, and the curl that does the same.

import { at, h, setText } from "/web/dom.js";
import { t, write } from "/web/i18n.js";
import { curl, hasToken, operation, parse, problem, refusal, request, setToken } from "/web/node.js";
import { everything, refresh } from "/web/store.js";

// say shows an answer beside what was pressed. kind is "good", "bad" or "".
export function say(form, text, kind = "") {
  const output = form.querySelector(".answer") ?? form;
  output.className = "answer " + kind;
  setText(output, text);
}

const busy = new Set(); // forms whose answer is awaited

// wrong says what is wrong with a field that the browser does not take, in the page's language: the browser's own words are in its own.
function wrong(field) {
  const { valueMissing, rangeUnderflow, rangeOverflow, stepMismatch } = field.validity;
  if (field.type === "radio") return t("check.choose");
  if (valueMissing && field.dataset.missing) return t(field.dataset.missing);
  if (valueMissing && !field.validity.badInput) return t("check.missing", { field: field.labels[0].firstElementChild?.textContent ?? field.labels[0].textContent });
  if (rangeUnderflow || rangeOverflow) return t("check.range", { low: field.min, high: field.max });
  return t(stepMismatch || field.type === "number" ? "check.whole" : "check.digits");
}

// mark shows beside a form why it is not sent, and leads to the field at fault.
export function mark(form, field, text) {
  say(form, text, "bad");
  field.setAttribute("aria-invalid", "true");
  field.addEventListener("input", () => field.removeAttribute("aria-invalid"), { once: true });
  field.focus();
}

// Each form says itself what the browser would not take.
document.addEventListener(
  "invalid",
  (e) => {
    const form = e.target.form;
    if (!form.querySelector(".answer")) return;
    e.preventDefault();
    if (e.target === form.querySelector("input:invalid")) mark(form, e.target, wrong(e.target));
  },
  true,
);

// act gives a form its action. what(data) returns {id, parameters, query, body}, or null if there is nothing to
// send; then(answer) the text of a good answer.
export function act(form, what, { then = (answer) => answer.message, signal, done, below = form } = {}) {
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    if (busy.has(form)) return;
    const sent = what(new FormData(form));
    if (sent) await send(form, sent, then, signal?.(), done);
  });
  const command = curlLine(() => (form.querySelector("input:invalid:not([type=radio], :placeholder-shown)") ? null : what(new FormData(form), true)));
  below.after(command);
  form.addEventListener("input", () => command.update());
  return command;
}

// send returns the answer's status, 0 when none came. A disabled button would lose the focus: it is only
// marked, and busy holds its form.
export async function send(form, sent, then, signal, done) {
  const button = form.querySelector("button:not([type=button])") ?? form.querySelector("button");
  busy.add(form);
  button.setAttribute("aria-disabled", "true");
  say(form, t("act.waiting"));
  let status = 0;
  try {
    const res = await request(sent.id, { ...sent, signal });
    status = res.status;
    if (!res.ok && res.headers.has("WWW-Authenticate")) askToken(form);
    else if (!res.ok) say(form, refusal(status, await problem(res)), "bad");
    else say(form, await then(status === 204 ? {} : sent.stream ? res : parse(await res.text()), status), "good");
  } catch (e) {
    if (signal?.aborted) say(form, t("act.stopped"));
    else if (status) say(form, e.message, "bad");
    else {
      say(form, t("act.silent") + (sent.again ?? ""), "bad");
      silent.add(form);
    }
  } finally {
    busy.delete(form);
    button.removeAttribute("aria-disabled");
    refresh(...everything);
    done?.(status);
  }
  return status;
}

// forget clears what was said in another language.
export function forget() {
  for (const output of document.querySelectorAll("form .answer:is(.good, .bad)")) if (!busy.has(output.closest("form"))) say(output, "");
}

const silent = new Set(); // forms that say that the node did not answer

// answersAgain clears what was said of a node that did not answer.
export function answersAgain() {
  for (const form of silent) say(form, "");
  silent.clear();
}

function askToken(form) {
  at("access").hidden = false;
  at("access-why").dataset.t = hasToken() ? "access.wrong" : "access.why";
  say(form, t("access.enter"), "bad");
  write(at("access-why"), t(at("access-why").dataset.t));
  at("token").select();
  at("token").focus();
  at("access").onsubmit = (e) => {
    e.preventDefault();
    setToken(at("token").value);
    updateLines(); // they send it, too
    at("access").hidden = true;
    const button = form.querySelector("button:not([type=button])") ?? form.querySelector("button");
    say(form, t("access.again", { button: button.textContent })); // not sent by itself: a payment would be sent twice
    button.focus();
  };
}

// curlLine shows the command that does what what() returns, with a button that copies it. update shows it anew.
export function curlLine(what) {
  const code = h("code", { tabindex: "0" });
  const copy = copyButton(code);
  const summary = h("summary", {});
  const details = h("details", { class: "curl" }, summary, h("div", {}, code, copy));
  details.update = () => {
    const sent = what();
    const body = sent?.body?.length < 20 ? " " + sent.body : "";
    summary.textContent = sent ? "curl " + operation(sent.id, sent.parameters) + body + (sent.about ? " · " + sent.about : "") : "curl";
    summary.title = t("curl.title");
    copy.firstChild.textContent = t("curl.copy");
    code.setAttribute("aria-label", t("curl.title"));
    setText(code, sent ? curl(sent.id, sent) : t("curl.none"));
    copy.hidden = !sent;
  };
  details.update();
  lines.add(new WeakRef(details));
  return details;
}

// copyButton copies the text of an element, and says so.
export function copyButton(element) {
  const said = h("output", { class: "answer" });
  return h(
    "span",
    { class: "copy" },
    h("button", { type: "button", class: "quiet", "data-t": "curl.copy", onclick: () => copyText(element, said) }, t("curl.copy")),
    said,
  );
}

const lines = new Set();

// updateLines shows all commands in another language.
export function updateLines() {
  for (const ref of lines) {
    if (ref.deref()) ref.deref().update();
    else lines.delete(ref);
  }
}

// copyText copies an element's text. Over plain HTTP from another machine a browser has no clipboard for pages:
// the text is selected then.
async function copyText(element, said) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    say(said, t("curl.copied"), "good");
  } catch {
    getSelection().selectAllChildren(element);
    const done = document.execCommand("copy");
    say(said, t(done ? "curl.copied" : "curl.selected"), "good");
  }
}
