/** Steps about entries: rules, close, round, order, weights, root. */

import { ascii, hex } from "./bytes";
import { canonical, type Json } from "./canonical";
import { type Case, unless } from "./case";
import { digest } from "./digest";
import { roundFor } from "./quicknet";
import { counted, NotCovered } from "./steps";
import { leafOf, rootOf } from "./tree";

const SWEEP_MS = 5000;

export function document(given: Case): string {
  unless(given.proof.draw_id === given.proof.rules.draw_id, "the rules are of another draw");
  return `a draw that is ${given.proof.outcome}`;
}

export async function rules(given: Case): Promise<string> {
  const found = hex(await digest(ascii(canonical(given.proof.rules as unknown as Json))));
  unless(found === given.proof.rules_hash, `their hash is ${found}, not ${given.proof.rules_hash}`);
  return `their hash is ${found}`;
}

export function close(given: Case): string {
  const { closed_ms } = given.closing;
  unless(closed_ms >= given.proof.opened_ms, "it closed before it opened");
  const lateBy = closed_ms - given.latestCloseMs;
  if (lateBy > SWEEP_MS) throw new NotCovered(`it closed ${Math.floor(lateBy / 1000)} s after the latest close; that nobody entered then is not shown`);
  return lateBy >= 0 ? "at the latest close" : `by hand, ${Math.floor(-lateBy / 1000)} s before the latest close`;
}

export function round(given: Case): string {
  const { beacon } = given.proof.rules;
  const { closed_ms, round } = given.closing;
  const expected = beacon.tier === "drand" ? roundFor(closed_ms) : beacon.tier === "recorded" ? beacon.round : 0;
  unless(round === expected, `it should be ${expected}, not ${round}`);
  return expected ? `round ${expected}` : "co-hosts have no rounds";
}

export function order(given: Case): string {
  const { count } = given.closing;
  let before = "";
  for (const [id] of given.proof.entries) {
    unless(id !== before, `entry ${id} stands twice`);
    unless(id > before, `entry ${id} is out of order`);
    before = id;
  }
  const { length } = given.proof.entries;
  const found = counted(length, "entry", "entries");
  unless(length === count, `it has ${found}, but states ${count}`);
  return found;
}

export function weights(given: Case): string {
  const { total_weight } = given.closing;
  const { base, commented, joined_team, bought, watched, watched_most } = given.proof.rules.weights;
  const most = base + commented + joined_team + bought + watched * watched_most;
  let total = 0;
  for (const [id, weight] of given.proof.entries) {
    unless(weight >= base && weight <= most, `entry ${id} has ${weight}; the rules give ${base} to ${most}`);
    total += weight;
  }
  unless(total === total_weight, `they add up to ${total}, but ${total_weight} is stated`);
  return `${total} in all, each from ${base} to ${most}`;
}

export async function root(given: Case): Promise<string> {
  const stated = given.root;
  const leaf = leafOf(given.drawId);
  const leaves: Uint8Array[] = [];
  for (const [id, weight] of given.proof.entries) {
    leaves.push(leaf(id, weight));
    if (given.pace.due) await given.pace.breathe();
  }
  const found = hex(await rootOf(leaves, given.pace));
  unless(found === stated, `they give ${found}, not ${stated}`);
  return `root ${found}`;
}
