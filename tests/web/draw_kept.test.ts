/** What a browser keeps of draws: receipts, and the root as it was seen first. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, mock, test } from "node:test";
import { readReceipt, readWitness } from "../../gateway/web/checker/document";
import { keep, kept } from "../../gateway/web/checker/kept";

const vector = JSON.parse(readFileSync(new URL("../golden/draw/seven.json", import.meta.url), "utf8")) as { receipt: unknown; witness: unknown };
const receipt = readReceipt(vector.receipt);
const witness = readWitness(vector.witness);
const stored = new Map<string, string>();

beforeEach(() => {
  stored.clear();
  mock.timers.enable({ apis: ["Date"], now: witness.seen_ms - 5 });
  const storage = { getItem: (name: string) => stored.get(name) ?? null, setItem: (name: string, value: string) => void stored.set(name, value) };
  Object.defineProperty(globalThis, "localStorage", { value: storage, configurable: true });
});

afterEach(() => mock.timers.reset());

test("a root is as late as the later of the two clocks says", () => {
  mock.timers.setTime(witness.seen_ms + 5);
  keep(receipt.draw_id, { witness });
  assert.equal(kept(receipt.draw_id).witness?.seen_ms, witness.seen_ms + 5);
});

test("receipt and witness come one after the other, and both stay", () => {
  keep(receipt.draw_id, { receipt });
  keep(receipt.draw_id, { witness });
  assert.deepEqual(kept(receipt.draw_id), { receipt, witness });
  assert.deepEqual(kept("00".repeat(16)), {});
});

test("a root that comes later does not replace the one seen first", () => {
  keep(receipt.draw_id, { witness });
  keep(receipt.draw_id, { witness: { ...witness, root: "00".repeat(32), seen_ms: witness.seen_ms + 1 } });
  assert.deepEqual(kept(receipt.draw_id).witness, witness);
});

test("a part that is broken takes no other along, nor does what is kept next", () => {
  const place = `livestream.draw.${receipt.draw_id}`;
  stored.set(place, JSON.stringify({ receipt: { draw_id: 7 }, witness }));
  assert.deepEqual(kept(receipt.draw_id), { witness });
  stored.set(place, JSON.stringify({ receipt, inclusion: "?", witness: 7 }));
  assert.deepEqual(kept(receipt.draw_id), { receipt });
  keep(receipt.draw_id, { witness });
  assert.deepEqual(kept(receipt.draw_id), { receipt, witness });
});

test("what cannot be read or stored is as if nothing was kept", () => {
  for (const text of ["{", "null", "7", "[]"]) {
    stored.set(`livestream.draw.${receipt.draw_id}`, text);
    assert.deepEqual(kept(receipt.draw_id), {}, text);
  }
  const refuse = () => {
    throw new Error("private mode");
  };
  Object.defineProperty(globalThis, "localStorage", { value: { getItem: refuse, setItem: refuse }, configurable: true });
  keep(receipt.draw_id, { receipt });
  assert.deepEqual(kept(receipt.draw_id), {});
});
