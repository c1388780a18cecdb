/** Picks: indexes of entries in the order in which a seed draws them. */

import { ascii, join, u32be } from "./bytes";
import { keyed } from "./digest";
import type { Pace } from "./pace";

const VALUES = 1n << 64n;
const PICK = ascii("pick");

/**
 * Weights that are left, as a tree of sums: node n holds the sum of the nodes 2n and 2n + 1, and the entries are the
 * last row. Sums stay below 2^53, so a double holds them exactly.
 */
class Pool {
  private readonly sums: Float64Array;
  private readonly width: number;

  constructor(weights: readonly number[]) {
    this.width = 2 ** Math.ceil(Math.log2(Math.max(1, weights.length)));
    this.sums = new Float64Array(2 * this.width);
    this.sums.set(weights, this.width);
    for (let at = this.width - 1; at > 0; at--) this.sums[at] = this.of(2 * at) + this.of(2 * at + 1);
  }

  private of(at: number): number {
    return this.sums[at] as number;
  }

  get left(): number {
    return this.of(1);
  }

  /** Takes out the first entry whose running sum exceeds `point`. */
  take(point: number): number {
    let rest = point;
    let at = 1;
    while (at < this.width) {
      at *= 2;
      if (this.of(at) <= rest) rest -= this.of(at++);
    }
    const index = at - this.width;
    const gone = this.of(at);
    for (; at > 0; at = Math.floor(at / 2)) this.sums[at] = this.of(at) - gone;
    return index;
  }
}

/** At most `wanted` picks; fewer when entries run out. */
export async function picks(seed: Uint8Array, weights: readonly number[], wanted: number, pace: Pace): Promise<number[]> {
  const pool = new Pool(weights);
  const drawn: number[] = [];
  for (let counter = 0; pool.left > 0 && drawn.length < wanted; counter++) {
    const mac = keyed(seed, join(PICK, u32be(counter)));
    const value = new DataView(mac.buffer, mac.byteOffset).getBigUint64(0);
    const left = BigInt(pool.left);
    if (value < VALUES / left * left) drawn.push(pool.take(Number(value % left)));
    if (pace.due) await pace.breathe();
  }
  return drawn;
}
