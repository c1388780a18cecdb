/** The checker in the browser: it holds the protocol's vectors, which a program that shares no code with it wrote. */

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { hex, unhex } from "../../gateway/web/checker/bytes";
import { canonical, type Json } from "../../gateway/web/checker/canonical";
import { check } from "../../gateway/web/checker/check";
import { type Proof, readReceipt, readWitness } from "../../gateway/web/checker/document";
import { Pace } from "../../gateway/web/checker/pace";
import { picks } from "../../gateway/web/checker/picks";
import { type Step, STEPS } from "../../gateway/web/checker/steps";
import { type Inclusion, included, leafOf } from "../../gateway/web/checker/tree";

interface Vector {
  readonly salt: string;
  readonly canonical_rules: string;
  readonly derived: { readonly name: string; readonly viewers: number; readonly sha256: string } | null;
  readonly inclusions: readonly (Inclusion & { readonly leaf: string })[];
  readonly receipt: unknown;
  readonly witness: unknown;
  readonly proof: Proof;
}

const folder = new URL("../golden/draw/", import.meta.url);
const parsed = <T>(name: string) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as T;
const sha256 = (text: string) => createHash("sha256").update(text).digest();

/** The entries of a vector that leaves them out, after the rule in the folder's README. */
function derived({ proof, derived, salt }: Vector): Proof["entries"] {
  if (!derived) return proof.entries;
  const { base, commented, joined_team, bought, watched, watched_most } = proof.rules.weights;
  const span = commented + joined_team + bought + watched * watched_most + 1;
  const made = Array.from({ length: derived.viewers }, (_, index): [string, number] => {
    const id = createHmac("sha256", unhex(salt)).update(`viewer-${index + 1}`).digest("hex").slice(0, 32);
    return [id, base + (sha256(`${derived.name}/weight/${index + 1}`).readUInt32BE() % span)];
  }).sort(([first], [second]) => (first < second ? -1 : 1));
  assert.equal(sha256(canonical(made)).toString("hex"), derived.sha256);
  return made;
}

async function steps(document: unknown, mine: Parameters<typeof check>[1] = {}): Promise<Step[]> {
  const taken: Step[] = [];
  for await (const step of check(document, mine)) taken.push(step);
  return taken;
}

const names = readdirSync(folder).filter((name) => name.endsWith(".json") && !["canonical.json", "picks.json"].includes(name));

test("there are vectors", () => assert.ok(names.length >= 15));

for (const name of names) {
  test(`${name}: every step holds`, async () => {
    const vector = parsed<Vector>(name);
    const entries = derived(vector);
    const receipt = vector.receipt ? readReceipt(vector.receipt) : undefined;
    const witness = vector.witness ? readWitness(vector.witness) : undefined;
    assert.equal(canonical(vector.proof.rules as unknown as Json), vector.canonical_rules);
    const taken = await steps(JSON.stringify({ ...vector.proof, entries }), { receipt, witness });
    assert.deepEqual(taken.filter(({ result }) => result === "failed"), []);
    assert.deepEqual(taken.map(({ name }) => name), Object.keys(STEPS));
    const leaf = leafOf(unhex(vector.proof.draw_id));
    for (const inclusion of vector.inclusions) {
      assert.equal(hex(leaf(...(entries[inclusion.index] as [string, number]))), inclusion.leaf);
      const root = unhex(vector.proof.closing?.root ?? "");
      assert.ok(included(root, unhex(inclusion.leaf), inclusion));
      assert.ok(!included(root, unhex(inclusion.leaf), { ...inclusion, path: [...inclusion.path, inclusion.leaf] }));
      assert.ok(!included(root, unhex(inclusion.leaf), { ...inclusion, index: inclusion.index + 1 }));
    }
  });
}

test("canonical texts", () => {
  for (const { value, text } of parsed<{ value: Json; text: string }[]>("canonical.json")) assert.equal(canonical(value), text);
});

test("picks, those among them where a value is thrown away", async () => {
  for (const { seed, weights, picks: expected } of parsed<{ seed: string; weights: number[]; picks: number[] }[]>("picks.json")) {
    assert.deepEqual(await picks(unhex(seed), weights, weights.length, new Pace()), expected);
  }
});

test("what is no proof fails as a document", async () => {
  for (const document of ["", "[]", "{}", "null", null, 7, undefined]) {
    const [step, ...others] = await steps(document);
    assert.equal(step?.name, "document");
    assert.equal(step?.result, "failed");
    assert.deepEqual(others, []);
  }
});

test("the page is let breathe while it checks", async () => {
  const vector = parsed<Vector>("twenty-thousand.json");
  let beats = 0;
  const timer = setInterval(() => beats++, 1);
  await steps({ ...vector.proof, entries: derived(vector) });
  clearInterval(timer);
  assert.ok(beats > 3, `${beats}`);
});

test("a page without WebCrypto checks all the same, receipts too", async (context) => {
  const vector = parsed<Vector>("seven.json");
  const own = Object.getOwnPropertyDescriptor(globalThis, "crypto") as PropertyDescriptor;
  Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
  context.after(() => Object.defineProperty(globalThis, "crypto", own));
  const receipt = readReceipt(vector.receipt);
  assert.equal((await steps(vector.proof, { receipt })).at(-1)?.result, "ok");
  const forged = { ...receipt, signature: receipt.signature.replace(/^../, (first) => (first === "00" ? "01" : "00")) };
  assert.deepEqual((await steps(vector.proof, { receipt: forged })).at(-1), { name: "receipt", result: "failed", text: "the shop's key did not sign it" });
});
