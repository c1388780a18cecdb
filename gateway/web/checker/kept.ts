/** Kept: a viewer's receipts, and what their page saw of roots, in their own browser. Without storage nothing is kept, and all else works. */

import { readPlaced, readReceipt, readWitness } from "./document";
import type { Mine } from "./check";

const key = (drawId: string) => `livestream.draw.${drawId}`;

/** Adds to what is kept of a draw. What was seen first stays: a root that changes later must not replace it. */
export function keep(drawId: string, mine: Mine): void {
  try {
    const before = kept(drawId);
    localStorage.setItem(key(drawId), JSON.stringify({ ...before, ...mine, witness: before.witness ?? mine.witness }));
  } catch {
    // private mode, or full
  }
}

export function kept(drawId: string): Mine {
  try {
    const { receipt, inclusion, witness } = JSON.parse(localStorage.getItem(key(drawId)) ?? "{}") as { readonly [Part in keyof Mine]: unknown };
    return { ...(receipt ? { receipt: readReceipt(receipt) } : {}), ...(inclusion ? { inclusion: readPlaced(inclusion) } : {}), ...(witness ? { witness: readWitness(witness) } : {}) };
  } catch {
    return {};
  }
}
