/** Steps about winners, reserves, and whether one's own entry took part. */

import { unhex } from "./bytes";
import { type Case, fail, unless } from "./case";
import { type Placed, units } from "./document";
import { picks } from "./picks";
import { genuine } from "./receipt";
import { counted, NotCovered } from "./steps";
import { included, leafOf } from "./tree";

async function inOrder(given: Case): Promise<readonly string[]> {
  const { entries, rules } = given.proof;
  if (!given.drawn) {
    const weights = entries.map(([, weight]) => weight);
    const indexes = await picks(unhex(given.drawing.seed), weights, units(rules) + rules.reserves, given.pace);
    given.drawn = indexes.map((index) => (entries[index] as readonly [string, number])[0]);
  }
  return given.drawn;
}

export async function winners(given: Case): Promise<string> {
  const { winners } = given.drawing;
  same(winners, (await inOrder(given)).slice(0, units(given.proof.rules)));
  return counted(winners.length, "winner", "winners");
}

export async function reserves(given: Case): Promise<string> {
  const { reserves, winners, drawn_ms } = given.drawing;
  const { passed, rules } = given.proof;
  same(reserves, (await inOrder(given)).slice(units(rules)));
  const since = winners.map(() => drawn_ms); // when each unit's holder was told
  passed.forEach(({ unit, reserve, why, passed_ms }, index) => {
    const prize = `prize ${unit + 1}`;
    unless(reserve === index && index < reserves.length, `${prize} did not go to the next reserve`);
    const held = since[unit];
    if (held === undefined) return fail(`${prize} went on, but nobody had won it`);
    unless(passed_ms >= (passed[index - 1]?.passed_ms ?? drawn_ms), `${prize} went on before one that went on earlier`);
    unless(why !== "unclaimed" || passed_ms - held >= rules.claim_s * 1000, `${prize} went on before its time to be claimed was over`);
    since[unit] = passed_ms;
  });
  nobodyLeft(given, since, passed.at(-1)?.passed_ms ?? drawn_ms);
  return `${counted(reserves.length, "reserve", "reserves")}, ${passed.length} of them moved up`;
}

/** A prize is nobody's only when all reserves have moved up. `since`: when each unit's holder was told; `last`: when the last reserve moved up. */
function nobodyLeft({ proof, drawing }: Case, since: readonly number[], last: number): void {
  const holders = new Map(since.entries());
  let before = last;
  for (const { unit, why, lapsed_ms } of proof.lapsed) {
    const prize = `prize ${unit + 1}`;
    unless(proof.passed.length === drawing.reserves.length, `${prize} is said to be nobody's, but a reserve was left`);
    const held = holders.get(unit);
    if (held === undefined) return fail(`${prize} is said to be nobody's, but nobody had it`);
    unless(lapsed_ms >= before, `${prize} became nobody's before what happened earlier`);
    unless(why !== "unclaimed" || lapsed_ms - held >= proof.rules.claim_s * 1000, `${prize} became nobody's before its time to be claimed was over`);
    holders.delete(unit);
    before = lapsed_ms;
  }
}

export function receipt(given: Case): string {
  const { proof } = given;
  const { receipt } = given.mine;
  if (!receipt) throw new NotCovered("no receipt was given");
  unless(receipt.draw_id === proof.draw_id, "it is of another draw");
  unless(receipt.rules_hash === proof.rules_hash, "it was given under other rules");
  unless(genuine(receipt, unhex(proof.rules.shop_key)), "the shop's key did not sign it");
  const { closed_ms } = given.closing;
  unless(receipt.entered_ms >= proof.opened_ms && receipt.entered_ms <= Math.min(closed_ms, given.latestCloseMs), "it was given when the draw was not open");
  const index = proof.entries.findIndex(([id]) => id === receipt.entry_id);
  const weight = proof.entries[index]?.[1];
  if (weight === undefined) return fail("the entry is missing among those that took part");
  unless(weight >= receipt.weight, `the entry took part with ${weight}, but ${receipt.weight} was promised`);
  if (given.mine.inclusion) placed(given, given.mine.inclusion, index, receipt.entry_id, weight);
  return `entry ${index + 1} of ${proof.entries.length}, with weight ${weight}`;
}

function placed(given: Case, said: Placed, index: number, id: string, weight: number): void {
  const { root, proof } = given;
  const same = said.draw === proof.draw_id && said.root === root && said.entry === id && said.weight === weight && said.index === index && said.count === proof.entries.length;
  unless(same, "its inclusion proof is of another root, place, weight, entry or draw");
  unless(included(unhex(root), leafOf(given.drawId)(id, weight), said), "its inclusion proof does not lead to the root");
}

function same(stated: readonly string[], expected: readonly string[]): void {
  stated.forEach((id, index) => {
    const drawn = expected[index];
    unless(drawn === undefined || drawn === id, `number ${index + 1} should be ${drawn}, not ${id}`);
  });
  unless(stated.length === expected.length, `there should be ${expected.length}, not ${stated.length}`);
}
