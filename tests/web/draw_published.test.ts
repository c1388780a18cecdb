/** A draw as its rules have it: what the server says beside their text is not shown, and what does not fit is noticed. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { asPublished, hashOf, receiptHolds, rulesFit, rulesOf } from "../../gateway/web/cards/draw/published";
import type { Proof } from "../../gateway/web/checker/document";
import type { Draw, DrawReceipt } from "../../gateway/web/sdk/src/protocol";

interface Vector {
  readonly canonical_rules: string;
  readonly receipt: DrawReceipt;
  readonly proof: Proof;
}

const vector = (name: string) => JSON.parse(readFileSync(new URL(`../golden/draw/${name}.json`, import.meta.url), "utf8")) as Vector;
const { canonical_rules: rules, receipt, proof } = vector("seven");
const draw: Draw = {
  id: proof.draw_id, title: "To you alone", state: "open", prizes: [{ tier: "First", name: "Castle", value: 1, currency: "EUR" }], entry: "click",
  needs: { bought: true }, beacon: "cohosts", parties: ["Nobody"], rules, rules_hash: proof.rules_hash,
};

test("what the rules say is shown, whatever is said beside them", () => {
  const shown = asPublished(draw);
  assert.deepEqual([shown.title, shown.entry, shown.password, shown.beacon], [proof.rules.title, "password", proof.rules.password, "recorded"]);
  assert.deepEqual(shown.prizes, proof.rules.prizes);
  assert.deepEqual(shown.needs, { commented: false, team: false, bought: false, watched_s: 0 });
  assert.deepEqual(shown.parties, []);
  const hosted = vector("co-hosts");
  assert.deepEqual(asPublished({ ...draw, rules: hosted.canonical_rules }).parties, ["Co-host 1", "Co-host 2", "Co-host 3"]);
  assert.equal(asPublished({ ...draw, rules: hosted.canonical_rules }).beacon, "cohosts");
});

test("a draw in the queue, or with rules that are none, stays as it was sent", () => {
  for (const text of ["", "{", "{}", "null"]) {
    assert.deepEqual(asPublished({ ...draw, rules: text }), { ...draw, rules: text });
    assert.equal(rulesOf({ rules: text }), null);
  }
});

test("rules fit their draw and the hash that is stated, or it is noticed", async () => {
  assert.equal(await hashOf(rules), proof.rules_hash);
  assert.equal(await rulesFit(draw), true);
  assert.equal(await rulesFit({ ...draw, rules_hash: "00".repeat(32) }), false);
  assert.equal(await rulesFit({ ...draw, rules: rules.replace('"region":"PL, DE"', '"region":"PL"') }), false);
  assert.equal(await rulesFit({ ...draw, id: "00".repeat(16) }), false);
  assert.equal(await rulesFit({ ...draw, rules: "{", rules_hash: await hashOf("{") }), false);
});

test("a receipt holds under the key in the rules that are shown, and no other way", async () => {
  assert.equal(await receiptHolds(draw, receipt), true);
  assert.equal(await receiptHolds(draw, { ...receipt, weight: receipt.weight + 1 }), false);
  assert.equal(await receiptHolds(draw, { ...receipt, signature: "00".repeat(64) }), false);
  assert.equal(await receiptHolds(draw, { ...receipt, signature: "?" }), false);
  assert.equal(await receiptHolds({ ...draw, rules: rules.replace('"region":"PL, DE"', '"region":"PL"') }, receipt), false);
  assert.equal(await receiptHolds({ ...draw, id: "00".repeat(16) }, receipt), false);
  assert.equal(await receiptHolds({ ...draw, rules: "{" }, receipt), false);
});
