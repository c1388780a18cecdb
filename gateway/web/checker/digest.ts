/**
 * Digests. Of few long texts the browser's own; of the many short ones of the tree a plain one: it needs no await for each,
 * and works on pages without https. In Chromium both take about as long, 0.2 s for the 40,000 of 20,000 entries.
 */

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

/** Pages without https have no WebCrypto; the result is the same. */
export async function digest(bytes: Uint8Array): Promise<Uint8Array> {
  const subtle = globalThis.crypto?.subtle;
  return subtle ? new Uint8Array(await subtle.digest("SHA-256", bytes as BufferSource)) : sha256(bytes);
}

export const hash = (bytes: Uint8Array): Uint8Array => sha256(bytes);
export const keyed = (key: Uint8Array, bytes: Uint8Array): Uint8Array => hmac(sha256, key, bytes);
