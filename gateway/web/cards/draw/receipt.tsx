/** Receipt: the shop's signed word that one is in, with a file of it to keep. */

import type { DrawReceipt } from "@sdk";
import { readPlaced, readReceipt } from "../../checker/document";
import { keep, kept } from "../../checker/kept";
import { saveReceipt } from "../../checker/save";
import { api } from "../../shared/api";
import { Check } from "../../shared/icons";
import { roomOfPage } from "../../shared/session";
import { useDrawAct } from "./use-draw";
import { words } from "./words";

interface Held {
  readonly inclusion?: unknown;
}

/** With the proof of inclusion once the root is out. Without a line: what this browser has. */
async function save(receipt: DrawReceipt): Promise<void> {
  const draw = receipt.draw_id;
  const path = `/v1/rooms/${encodeURIComponent(roomOfPage())}/draws/${draw}/receipt`;
  const held = await api<Held>("GET", path).catch(() => undefined);
  if (held?.inclusion) keep(draw, { inclusion: readPlaced(held.inclusion) });
  saveReceipt({ ...kept(draw), receipt: readReceipt(receipt) });
}

export function Receipt({ receipt }: { receipt: DrawReceipt }) {
  const { act, busy, trouble } = useDrawAct();
  return (
    <details class="draw-receipt">
      <summary><Check /> {words.youAreIn} <span class="faint">{words.receipt}</span></summary>
      <p>{words.receiptText(receipt.weight)}</p>
      <p class="faint">{words.entry} <code>{receipt.entry_id}</code></p>
      <button type="button" class="quiet" disabled={busy} title={words.saveHint} onClick={() => act(() => save(receipt))}>{words.saveReceipt}</button>
      {trouble}
    </details>
  );
}
