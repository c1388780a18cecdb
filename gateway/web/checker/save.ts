/** Save: a receipt as a file that this page, and `livestream draw verify`, take. */

import { saveFile } from "../shared/file";
import type { Mine } from "./check";

export function saveReceipt({ receipt, inclusion }: Mine): void {
  if (!receipt) return;
  const held = { receipt, ...(inclusion && { inclusion }) };
  saveFile(`receipt-${receipt.entry_id}.json`, "application/json", `${JSON.stringify(held, null, 2)}\n`);
}
