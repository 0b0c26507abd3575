// The invitation to the network: its code, the command that joins, and that as a QR code, also large enough for
// a projector.

import { at, h, s } from "/web/dom.js";
import { act, copyButton } from "/web/act.js";
import { t } from "/web/i18n.js";

let shown = null; // the invitation that is shown

const qr = (code) =>
  s(
    "svg",
    { class: "qr", viewBox: `0 0 ${code.size} ${code.size}`, role: "img", "aria-label": t("invite.qr") },
    s("rect", { class: "white", width: code.size, height: code.size }),
    s("path", { d: code.path }),
  );

function show() {
  const i = shown;
  const command = h("code", { class: "command", tabindex: "0" }, i.command);
  const large = h("button", { type: "button", class: "second", onclick: project }, t("invite.large"));
  at("invitation").hidden = false;
  at("invitation").replaceChildren(
    i.qr.path ? qr(i.qr) : "",
    h(
      "div",
      {},
      h("p", { class: "hint" }, t("invite.code")),
      h("p", { class: "code" }, i.code),
      h("p", { class: "hint" }, t("invite.command")),
      h("p", {}, command),
      i.lab && h("p", { class: "hint" }, t("invite.lab")),
      h("div", { class: "actions" }, copyButton(command), large),
    ),
  );
}

// project shows the code and the QR code alone. A line of the code breaks between its groups only.
function project() {
  const groups = shown.code.split("-");
  at("projector-code").replaceChildren(...groups.map((g, i) => h("span", {}, i < groups.length - 1 ? g + "-" : g)));
  at("projector-title").textContent = shown.command.slice(0, -shown.code.length);
  at("projector-qr").replaceChildren(...(shown.qr.path ? [qr(shown.qr)] : []));
  at("projector").showModal();
  fit();
}

// fit makes the code as large as the screen has room for.
function fit() {
  const dialog = at("projector"),
    code = at("projector-code");
  if (!dialog.open) return;
  const fits = (size) => {
    code.style.fontSize = size + "px";
    return dialog.scrollHeight <= dialog.clientHeight && code.scrollWidth <= code.clientWidth;
  };
  let size = Math.min(120, code.clientWidth / 7); // two groups in a line
  while (size > 10 && !fits(size)) size *= 0.94;
}

export const relabel = () => shown && show();

export function start() {
  addEventListener("resize", fit);
  act(at("invite"), () => ({ id: "getInvite" }), {
    then(answer) {
      shown = answer;
      show();
      return t("invite.shown");
    },
  });
}
