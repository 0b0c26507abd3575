// Actions: what a form sends, the answer beside it, and the curl that does the same.

import { at, h, setText } from "/web/dom.js";
import { t } from "/web/i18n.js";
import { curl, operation, problem, request, setToken } from "/web/node.js";
import { everything, refresh } from "/web/store.js";

// say shows an answer beside what was pressed. kind is "good", "bad" or "".
export function say(form, text, kind = "") {
  const output = form.querySelector(".answer") ?? form;
  output.className = "answer " + kind;
  setText(output, text);
}

const busy = new Set(); // forms whose answer is awaited

// act gives a form its action. what(data) returns {id, parameters, query, body}, or null if there is nothing to
// send; then(answer) the text of a good answer.
export function act(form, what, { then = (answer) => answer.message, signal, done, below = form } = {}) {
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    if (busy.has(form)) return;
    const sent = what(new FormData(form));
    if (sent) await send(form, sent, then, signal?.(), done);
  });
  form.addEventListener("invalid", () => say(form, ""), true); // the browser refuses: the answer beside it is of an earlier press
  const command = curlLine(() => what(new FormData(form), true));
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
    if (status === 401) askToken(form);
    if (!res.ok) say(form, refusal(status, await problem(res)), "bad");
    else say(form, await then(status === 204 ? {} : sent.stream ? res : await res.json(), status), "good");
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

const refusal = (status, answer) =>
  [answer.detail ?? t("error.status", { status }), answer.hint].filter(Boolean).join(" ");

const silent = new Set(); // forms that say that the node did not answer

// answersAgain clears what was said of a node that did not answer.
export function answersAgain() {
  for (const form of silent) say(form, "");
  silent.clear();
}

function askToken(form) {
  at("access").hidden = false;
  at("token").focus();
  at("access").onsubmit = (e) => {
    e.preventDefault();
    setToken(at("token").value);
    updateLines(); // they send it, too
    at("access").hidden = true;
    form.requestSubmit ? form.requestSubmit() : form.querySelector("button").click();
    form.querySelector("button").focus();
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
    summary.textContent = sent ? "curl " + operation(sent.id) + body : "curl";
    summary.title = t("curl.title");
    copy.firstChild.textContent = t("curl.copy");
    code.setAttribute("aria-label", t("curl.title"));
    setText(code, sent ? curl(sent.id, sent) : "");
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
    h("button", { type: "button", class: "quiet", onclick: () => copyText(element, said) }, t("curl.copy")),
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
