/** Co-hosts in the browser: a secret that was promised is never lost, and is sent until it is taken. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, mock, test } from "node:test";
import { asCohost, commitment, commitmentIn, insist, promise, promised, promiseText } from "../../gateway/web/cards/draw/cohosts";
import type { Proof } from "../../gateway/web/checker/document";

const DRAW = "0123456789abcdef0123456789abcdef";
const stored = new Map<string, string>();
const rules = (...commitments: string[]) => JSON.stringify({ beacon: { tier: "co-hosts", cohosts: commitments.map((commitment) => ({ name: "x", commitment })) } });

beforeEach(() => {
  stored.clear();
  const storage = { getItem: (name: string) => stored.get(name) ?? null, setItem: (name: string, value: string) => void stored.set(name, value) };
  Object.defineProperty(globalThis, "localStorage", { value: storage, configurable: true });
});

test("the commitment is that of the protocol's vectors", () => {
  const { proof } = JSON.parse(readFileSync(new URL("../golden/draw/co-hosts.json", import.meta.url), "utf8")) as { proof: Proof };
  assert.ok(proof.rules.beacon.tier === "co-hosts" && proof.reveals.length > 1);
  for (const { cohost, secret } of proof.reveals) assert.equal(commitment(proof.draw_id, cohost, secret), proof.rules.beacon.cohosts[cohost - 1]?.commitment);
});

test("promised twice, it is the same secret: the first may be in the rules already", () => {
  const first = promise(DRAW, 2);
  const kept = new Map(stored);
  assert.equal(promise(DRAW, 2), first);
  assert.deepEqual(stored, kept);
  assert.notEqual(promise(DRAW, 3), first);
});

test("only what the rules name is revealed, with its number", () => {
  const mine = promise(DRAW, 3);
  assert.equal(promised({ id: DRAW, rules: rules("a", "b", "c") }), undefined);
  assert.equal(promised({ id: DRAW, rules: rules("a", mine, "c") }), undefined);
  const found = promised({ id: DRAW, rules: rules("a", "b", mine) });
  assert.equal(found?.party, 3);
  assert.equal(commitment(DRAW, 3, found?.secret ?? ""), mine);
  assert.equal(promised({ id: DRAW }), undefined);
});

test("a reveal is sent until it is taken, and not after that", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  let sent = 0;
  insist(async () => {
    sent += 1;
    if (sent < 3) throw new Error("the line broke");
  }, 1000);
  const pass = async (ms: number) => {
    mock.timers.tick(ms);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  await pass(999);
  assert.equal(sent, 0);
  await pass(1);
  assert.equal(sent, 1);
  for (let turn = 0; turn < 5; turn++) await pass(60_000);
  assert.equal(sent, 3);
});

test("a reveal that is stopped is sent no more", async (context) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  context.after(() => mock.timers.reset());
  let sent = 0;
  const stop = insist(async () => {
    sent += 1;
    throw new Error("refused");
  }, 0);
  mock.timers.tick(0);
  stop();
  await Promise.resolve();
  await Promise.resolve();
  mock.timers.tick(60_000);
  assert.equal(sent, 1);
});

test("a promise names its number, so that none stands in another's place", () => {
  const made = promise(DRAW, 3);
  assert.equal(commitmentIn(` ${promiseText(3, made)}\n`, 3), made);
  assert.equal(commitmentIn(promiseText(3, made), 4), undefined);
  assert.equal(commitmentIn(made, 3), undefined);
});

test("the link of a co-host names draw and number", () => {
  assert.deepEqual(asCohost(`?cohost=${DRAW}.3`), { draw: DRAW, party: 3 });
  assert.equal(asCohost("?cohost=nonsense"), undefined);
  assert.equal(asCohost(""), undefined);
});
