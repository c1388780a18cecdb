/** Kept: a viewer's receipts, and what their page saw of roots, in their own browser. Without storage nothing is kept, and all else works. */

import { readPlaced, readReceipt, readWitness } from "./document";
import type { Mine } from "./check";

const key = (drawId: string) => `livestream.draw.${drawId}`;

/**
 * Adds to what is kept of a draw. A witness comes with the server's time, and is kept with the later of that and the
 * device's own: neither a lying server nor a wrong device makes a root look early. What was seen first stays: a root
 * that changes later must not replace it.
 */
export function keep(drawId: string, mine: Mine): void {
  try {
    const before = kept(drawId);
    const seen = mine.witness && { ...mine.witness, seen_ms: Math.max(mine.witness.seen_ms, Date.now()) };
    localStorage.setItem(key(drawId), JSON.stringify({ ...before, ...mine, witness: before.witness ?? seen }));
  } catch {
    // private mode, or full
  }
}

export function kept(drawId: string): Mine {
  const { receipt, inclusion, witness } = stored(drawId);
  return { ...part("receipt", readReceipt, receipt), ...part("inclusion", readPlaced, inclusion), ...part("witness", readWitness, witness) };
}

function stored(drawId: string): { readonly [Part in keyof Mine]: unknown } {
  try {
    return (JSON.parse(localStorage.getItem(key(drawId)) ?? "null") as object | null) ?? {};
  } catch {
    return {}; // private mode, or no JSON
  }
}

/** One of them; nothing where it is not there or broken, so that it takes no other along. */
function part<Name extends keyof Mine>(name: Name, read: (value: unknown) => NonNullable<Mine[Name]>, value: unknown): Pick<Mine, Name> | undefined {
  try {
    return value ? ({ [name]: read(value) } as unknown as Pick<Mine, Name>) : undefined;
  } catch {
    return undefined;
  }
}
