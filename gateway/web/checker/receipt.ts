/** Receipts: did the shop's key sign this one? */

import { ed25519 } from "@noble/curves/ed25519.js";
import { ascii, join, u32be, u64be, unhex } from "./bytes";
import type { Receipt } from "./document";

/** The library's own, not WebCrypto's: that has Ed25519 in new browsers alone, and nothing at all on pages without https. */
export function genuine(receipt: Receipt, shopKey: Uint8Array): boolean {
  const message = join(ascii("LTD1-receipt"), unhex(receipt.draw_id), unhex(receipt.rules_hash), unhex(receipt.entry_id), u32be(receipt.weight), u64be(receipt.entered_ms));
  try {
    return ed25519.verify(unhex(receipt.signature), message, shopKey, { zip215: false });
  } catch {
    return false; // bytes that are no key, or no signature
  }
}
