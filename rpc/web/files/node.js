// Questions to the node, and the curl that asks the same.

import { at, nodeName, short } from "/web/dom.js";
import { locale, t } from "/web/i18n.js";

// parse keeps numbers that the page shows as they are spelled: 5.0 is not 5 on a chain. No string of an answer
// can hold such a key, as a quote in it follows a backslash.
export const parse = (text) => JSON.parse(text.replace(/"(amount|timestamp)":(-?[0-9][0-9.eE+-]*)/g, '"$1":"$2"'));

const first = parse(at("first").textContent);

export const zeros = first.zeros; // hex zeros that a proof's hash starts with

export const secure = first.answers["/node"].profile === "secure"; // payments are signed, proofs seal their blocks

export const network = first.answers["/node"].network; // its id, which signatures cover

export const genesis = first.answers["/node"].genesis; // hash of the first block: what this browser keeps of a chain is kept for it

export const hasLab = first.lab; // the node was started with --lab

export const accounts = first.accounts ?? {}; // names that the node gives to addresses of a secure network, by the addresses

export const firstBlocks = () => first.answers.blocks;

// answered are what the page was sent with.
const answered = new Map(Object.entries(first.answers));

// Refusal is an answer that says no. Silence has no status.
export class Refusal extends Error {
  constructor(status, answer) {
    super(refusal(status, answer));
    this.status = status;
  }
}

// byRequest are hints to who writes requests, as the tables of the node have them: a reader of this page presses buttons.
const byRequest = /\b(GET|POST|DELETE|PUT) \/|[Hh]eader|请求头|curl|\{"/;

// refusal is what a refusal says to a reader, with the names of addresses. The node says it in the page's language.
export function refusal(status, answer) {
  if (status === 401) return t(token ? "access.wrong" : "access.needed");
  const hint = byRequest.test(answer.hint ?? "") ? "" : answer.hint;
  const gap = /[。！？]$/.test(answer.detail ?? "") ? "" : " ";
  return [answer.detail ?? t("error.status", { status }), hint].filter(Boolean).join(gap).replace(/\b12D3KooW\w{44}\b/g, nodeName);
}

// askText returns the text of an answer.
export async function askText(path) {
  const res = await fetch(path, { headers: headers() }).catch(() => {
    throw new Error(t("error.silent"));
  });
  if (!res.ok) throw new Refusal(res.status, await problem(res));
  return res.text();
}

export async function ask(path) {
  if (answered.has(path)) {
    const answer = answered.get(path);
    answered.delete(path); // the next question is about news
    return answer;
  }
  return parse(await askText(path));
}

// problem reads a refusal: one of the node is JSON, one of a proxy before it may be anything.
export const problem = (res) => res.json().catch(() => ({}));

// target fills the parameters into an operation's path.
function target(id, parameters, query) {
  const op = first.operations[id];
  const path = op.path.replace(/\{([a-z]+)\}/g, (_, name) => encodeURIComponent(parameters?.[name] ?? ""));
  return { method: op.method, path: path + (query ? "?" + query : "") };
}

// operation names one as its documentation does, with the parameters that are known.
export const operation = (id, parameters) =>
  first.operations[id].method + " " + first.operations[id].path.replace(/\{([a-z]+)\}/g, (all, name) => (parameters?.[name] ? short(String(parameters[name])) : all));

let token = "";
export const setToken = (text) => {
  token = text;
};

// headers ask for answers in the page's language.
const headers = () => ({ Accept: "application/json", "Accept-Language": locale() });

export const hasToken = () => token !== "";

// request sends an operation's request.
export function request(id, { parameters, query, body, signal } = {}) {
  const { method, path } = target(id, parameters, query);
  const all = headers();
  if (token) all.Authorization = "Bearer " + token;
  if (body) all["Content-Type"] = "application/json";
  return fetch(path, { method, headers: all, body, signal });
}

const quote = (text) => "'" + text.replaceAll("'", "'\\''") + "'";

// curl is the command that does the same.
export function curl(id, { parameters, query, body } = {}) {
  const { method, path } = target(id, parameters, query);
  let command = "curl";
  if (method !== "GET" && !(method === "POST" && body)) command += " -X " + method;
  const url = location.origin + path;
  command += " " + (/^[\w:/.%-]+$/.test(url) ? url : quote(url));
  if (token) command += ' -H "Authorization: Bearer $KUAI_TOKEN"';
  return body ? command + " -d " + quote(body) : command;
}
