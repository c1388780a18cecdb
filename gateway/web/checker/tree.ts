/** The Merkle tree of the entries: leaf, root, and whether one leaf is under a root. */

import { unhex } from "./bytes";
import { hash } from "./digest";
import type { Pace } from "./pace";

export interface Inclusion {
  readonly index: number;
  readonly count: number;
  readonly path: readonly string[];
}

/** Makes leaves of one draw: 0x00, "LTD1", draw id, entry id, u32be weight. */
export function leafOf(drawId: Uint8Array): (id: string, weight: number) => Uint8Array {
  const bytes = new Uint8Array(41);
  bytes.set([0, 0x4c, 0x54, 0x44, 0x31]);
  bytes.set(drawId, 5);
  const view = new DataView(bytes.buffer);
  return (id, weight) => {
    bytes.set(unhex(id), 21);
    view.setUint32(37, weight);
    return hash(bytes);
  };
}

const room = new Uint8Array(65);
room[0] = 1;

function node(left: Uint8Array, right: Uint8Array): Uint8Array {
  room.set(left, 1);
  room.set(right, 33);
  return hash(room);
}

/** The root, in place of the leaves, which are used up. */
export async function rootOf(level: Uint8Array[], pace: Pace): Promise<Uint8Array> {
  let count = level.length;
  if (count === 0) return hash(new Uint8Array());
  while (count > 1) {
    const pairs = count >> 1;
    for (let at = 0; at < pairs; at++) {
      level[at] = node(level[2 * at] as Uint8Array, level[2 * at + 1] as Uint8Array);
      if (pace.due) await pace.breathe();
    }
    if (count & 1) level[pairs] = level[count - 1] as Uint8Array;
    count = pairs + (count & 1);
  }
  return level[0] as Uint8Array;
}

export function included(root: Uint8Array, leaf: Uint8Array, { index, count, path }: Inclusion): boolean {
  if (index < 0 || index >= count) return false;
  let place = index;
  let last = count - 1;
  let found = leaf;
  let used = 0;
  while (last > 0) {
    const beside = place % 2 ? place - 1 : place + 1;
    if (beside <= last) {
      const other = path[used++];
      if (other === undefined) return false;
      found = place % 2 ? node(unhex(other), found) : node(found, unhex(other));
    }
    place = Math.floor(place / 2);
    last = Math.floor(last / 2);
  }
  return used === path.length && found.every((byte, at) => byte === root[at]);
}
