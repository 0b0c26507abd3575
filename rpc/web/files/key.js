// The key of this browser, for payments of a secure network. It is kept in the browser and sent to nobody.

import { getPublicKey, sign } from "/web/ed25519.js";
import { remember } from "/web/i18n.js";

const kept = "kuai-key";

export const isSeed = (text) => /^[0-9a-f]{64}$/.test(text);

let seed = stored(); // 64 hex digits, "" without a key

function stored() {
  try {
    const text = localStorage.getItem(kept) ?? "";
    return isSeed(text) ? text : "";
  } catch {
    return "";
  }
}

// own is the key, and whether the browser keeps it for the next time.
export const own = () => (seed ? { seed, address: addressOf(seed), kept: stored() === seed } : null);

// take makes a seed the key of this browser. One that another tab has made meanwhile stays: money may lie at its address.
export function take(text) {
  seed = stored() || text;
  remember(kept, seed);
}

export const make = () => take(hex(crypto.getRandomValues(new Uint8Array(32))));

export function forget() {
  if (stored() === seed) remember(kept, "");
  seed = stored();
}

// follow calls hear when another tab has made or forgotten the key.
export function follow(hear) {
  addEventListener("storage", (e) => {
    if (e.key !== kept && e.key !== null) return;
    seed = stored();
    hear();
  });
}

const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

const bytes = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));

const digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const addressStart = "002408011220"; // of a peer id: the public key itself, of kind Ed25519

// addressOf returns the address of a seed: the peer id of its public key, in base58.
function addressOf(seed) {
  let text = "";
  for (let n = BigInt("0x" + addressStart + hex(getPublicKey(bytes(seed)))); n > 0n; n /= 58n) text = digits[n % 58n] + text;
  return "1" + text; // for the zero byte that it starts with
}

// signed returns a payment as it is sent. amount is the text of an integer; the keys are in order, as they are signed.
export function signed(network, { amount, id, recipient, sender }) {
  const start = `{"amount": ${amount}, "id": "${id}", "recipient": ${JSON.stringify(recipient)}, "sender": "${sender}"`;
  const text = new TextEncoder().encode(`kuai-tx-1\n${network}\n${start}}`);
  return `${start}, "signature": "${hex(sign(text, bytes(seed)))}"}`;
}
