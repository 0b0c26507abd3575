// Ed25519 for pages that come over plain HTTP from another machine, where a browser has no crypto.subtle.
import { getPublicKey, hashes, sign } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";

hashes.sha512 = sha512;
export { getPublicKey, sign };
