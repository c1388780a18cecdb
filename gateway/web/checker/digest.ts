/** Digests. Of few long texts the browser's own; of many short ones a plain one, since awaiting each costs more than computing it. */

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

/** Pages without https have no WebCrypto; the result is the same. */
export async function digest(bytes: Uint8Array): Promise<Uint8Array> {
  const subtle = globalThis.crypto?.subtle;
  return subtle ? new Uint8Array(await subtle.digest("SHA-256", bytes as BufferSource)) : sha256(bytes);
}

export const hash = (bytes: Uint8Array): Uint8Array => sha256(bytes);
export const keyed = (key: Uint8Array, bytes: Uint8Array): Uint8Array => hmac(sha256, key, bytes);
