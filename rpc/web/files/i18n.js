// Texts in the reader's language. The first choice is the browser's (Accept-Language); the switch's is kept in
// this browser.

import { texts } from "/web/text.js";

const key = "kuai-language";

export let language = stored() ?? (document.documentElement.lang.startsWith("zh") ? "zh" : "en");

function stored() {
  try {
    const value = localStorage.getItem(key);
    return Object.hasOwn(texts, value) ? value : null;
  } catch {
    return null;
  }
}

// t returns a text, with {name} replaced by args.name. If args.n is one, it is the text id.one, if there is such a text.
export const t = (id, args) =>
  ((String(args?.n) === "1" && texts[language][id + ".one"]) || texts[language][id]).replace(
    /\{([a-z]+)\}/g,
    (_, name) => args?.[name] ?? "",
  );

// pick returns the reader's language of a text of the node that is in both.
export const pick = (text) => text[language];

// remember keeps a choice, if the browser lets it.
export function remember(name, value) {
  try {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
  } catch {
    /* it lasts as long as the page then */
  }
}

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  remember(key, language);
  translate();
}

// write shows a text whose options, as --lab, do not break at a line's end.
export function write(element, text) {
  const option = (name) => Object.assign(document.createElement("span"), { className: "option", textContent: name });
  element.replaceChildren(...text.split(/(--[a-z][a-z-]*)/).map((part, i) => (i % 2 ? option(part) : part)));
}

// translate writes the fixed texts of the page, as the node has written them at first.
export function translate() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.getElementById("language").lang = language === "zh" ? "en" : "zh-CN";
  for (const e of document.querySelectorAll("[data-t]")) write(e, t(e.dataset.t));
  for (const e of document.querySelectorAll("[data-label]")) e.setAttribute("aria-label", t(e.dataset.label));
  for (const e of document.querySelectorAll("[data-hint]")) e.placeholder = t(e.dataset.hint);
}

export const locale = () => (language === "zh" ? "zh-CN" : "en");

export const number = (n) => n.toLocaleString(locale());
export const about = (n) => n.toLocaleString(locale(), { notation: "compact", maximumFractionDigits: 1 });
export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString(locale(), { hour12: false });
export const dateTime = (seconds) =>
  new Date(seconds * 1000).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "medium", hour12: false });

// duration is a time as people say it: 5 ms, 51 s, 14 min.
export function duration(seconds) {
  const units = [
    ["ms", 0.001, 1],
    ["s", 1, 120],
    ["min", 60, 7200],
    ["h", 3600, 172800],
    ["days", 86400, 31536000],
  ];
  const unit = units.find((u) => seconds < u[2]);
  return unit ? Math.round(seconds / unit[1]) + " " + t("unit." + unit[0]) : t("unit.year");
}
