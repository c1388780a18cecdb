/** Receipts: did the shop's key sign this one? */

import { ascii, join, u32be, u64be, unhex } from "./bytes";
import type { Receipt } from "./document";

/** Null: this browser cannot check such signatures, or not on a page without https. */
export async function genuine(receipt: Receipt, shopKey: Uint8Array): Promise<boolean | null> {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return null;
  const message = join(ascii("LTD1-receipt"), unhex(receipt.draw_id), unhex(receipt.rules_hash), unhex(receipt.entry_id), u32be(receipt.weight), u64be(receipt.entered_ms));
  try {
    const key = await subtle.importKey("raw", shopKey as BufferSource, "Ed25519", false, ["verify"]);
    return await subtle.verify("Ed25519", key, unhex(receipt.signature) as BufferSource, message as BufferSource);
  } catch (error) {
    return error instanceof DOMException && error.name === "NotSupportedError" ? null : false;
  }
}
