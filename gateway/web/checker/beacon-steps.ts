/** Steps about the beacon: was the root out before it, is it genuine, and how did the draw end? */

import { ascii, hex, join, u32be, u64be, unhex } from "./bytes";
import { type Case, fail, unless } from "./case";
import { digest } from "./digest";
import type { Beacon, Witness } from "./document";
import { randomness, signed, timeOf } from "./quicknet";
import { NotCovered } from "./steps";

const REVEAL_MS = 60_000;

/** From when on the beacon may be known; null: it has no such time. */
function dueMs(given: Case): number | null {
  const { rules, reveals } = given.proof;
  if (rules.beacon.tier === "drand") return timeOf(given.closing.round);
  return rules.beacon.tier === "co-hosts" && reveals.length ? Math.min(...reveals.map(({ revealed_ms }) => revealed_ms)) : null;
}

export function publication(given: Case): string {
  const { root, closing, proof } = given;
  const due = dueMs(given);
  if (proof.outcome === "void") throw new NotCovered("the draw is void");
  const { published_ms } = closing;
  if (published_ms === null) return fail("the root never came out");
  unless(published_ms >= closing.closed_ms, "the root came out before the close");
  unless(due === null || published_ms < due, "the root came out when the beacon was known: the draw ought to be void");
  const { witness } = given.mine;
  if (!witness) throw new NotCovered("publication time not witnessed: that it came out in time is the shop's word");
  const same = witness.draw_id === proof.draw_id && witness.rules_hash === proof.rules_hash && witness.root === root && witness.round === closing.round;
  unless(same, "what was seen at the time is another root, round, draw or set of rules");
  if (due === null || witness.seen_ms >= due) throw new NotCovered("publication time not witnessed: it was seen only afterwards");
  return `publication time witnessed: seen ${(Math.floor((due - witness.seen_ms) / 100) / 10).toFixed(1)} s before the beacon`;
}

export async function outcome(given: Case): Promise<string> {
  const { outcome, voided, why } = given.proof;
  if (outcome === "cancelled") {
    unless(why !== "", "it was cancelled without a reason");
    unless(!seenOf(given), "cancelled before it closed, but its root was seen: it had closed");
    return `cancelled before it closed: ${why}`;
  }
  if (voided === null) return outcome;
  asSeen(given);
  return voided === "late_root" ? lateRoot(given) : missingReveal(given);
}

/** What was seen of this very draw. */
function seenOf({ mine: { witness }, proof }: Case): Witness | null {
  return witness?.draw_id === proof.draw_id ? witness : null;
}

function asSeen(given: Case): void {
  const { closing, proof } = given;
  const seen = seenOf(given);
  const same = !seen || (seen.rules_hash === proof.rules_hash && seen.round === closing.round && (closing.root === null || closing.root === seen.root));
  unless(same, "what was seen at the time is another root, round or set of rules");
}

function lateRoot(given: Case): string {
  const { published_ms, round } = given.closing;
  const seen = seenOf(given);
  const drand = given.proof.rules.beacon.tier === "drand";
  unless(!(drand && seen && seen.seen_ms < timeOf(round)), "void for a late root, but it was seen in time");
  if (published_ms === null) return "void: the root never came out";
  unless(drand && published_ms >= timeOf(round), "void for a late root, but the root was in time");
  return "void: the root was late";
}

async function missingReveal(given: Case): Promise<string> {
  const { beacon } = given.proof.rules;
  if (beacon.tier !== "co-hosts") return fail("void for a missing reveal, but there are no co-hosts");
  const good = await genuineReveals(given, beacon);
  const there = new Set(given.proof.reveals.filter((_, index) => good[index]).map(({ cohost }) => cohost));
  const missing = beacon.cohosts.filter((_, index) => !there.has(index + 1)).map(({ name }) => name);
  unless(missing.length > 0, "void for a missing reveal, but all revealed in time");
  return `void: no reveal in time from ${missing.join(", ")}`;
}

/** Of each reveal: is it what was committed to, and in time? */
function genuineReveals(given: Case, { cohosts }: Extract<Beacon, { tier: "co-hosts" }>): Promise<boolean[]> {
  const published = given.closing.published_ms ?? 0;
  return Promise.all(
    given.proof.reveals.map(async ({ cohost, secret, revealed_ms }) => {
      const made = hex(await digest(join(ascii("LTD1-commit"), given.drawId, u32be(cohost), unhex(secret))));
      return cohosts[cohost - 1]?.commitment === made && revealed_ms >= published && revealed_ms <= published + REVEAL_MS;
    }),
  );
}

/** When the whole beacon was known at the earliest; recorded ones count from the root. */
function knownMs(given: Case): number {
  const { rules, reveals } = given.proof;
  if (rules.beacon.tier === "drand") return timeOf(given.closing.round);
  return rules.beacon.tier === "co-hosts" ? Math.max(0, ...reveals.map(({ revealed_ms }) => revealed_ms)) : (given.closing.published_ms ?? 0);
}

export async function beacon(given: Case): Promise<string> {
  const { drawing } = given;
  const { tier } = given.proof.rules.beacon;
  unless(drawing.drawn_ms >= knownMs(given), "winners were drawn before it was known");
  if (tier === "co-hosts") return cohosts(given);
  if (drawing.signature === null) return fail("the round's signature is missing");
  const signature = unhex(drawing.signature);
  const { round } = given.closing;
  await given.pace.breathe();
  unless(signed(round, signature), `drand did not sign round ${round} so`);
  unless(hex(randomness(signature)) === drawing.beacon, "it is not the hash of the round's signature");
  if (tier === "recorded") throw new NotCovered(`round ${round} of drand, known beforehand: this is a rehearsal`);
  return `drand signed round ${round}`;
}

async function cohosts(given: Case): Promise<string> {
  const { drawing, root } = given;
  const { beacon } = given.proof.rules;
  if (beacon.tier !== "co-hosts") return fail("there are no co-hosts");
  unless(drawing.signature === null, "co-hosts sign no round");
  const { reveals } = given.proof;
  unless(reveals.length === beacon.cohosts.length && reveals.every(({ cohost }, index) => cohost === index + 1), "not every co-host revealed, in their order");
  const bad = (await genuineReveals(given, beacon)).indexOf(false);
  unless(bad < 0, `what ${beacon.cohosts[bad]?.name} revealed is not what was committed to, or not in time`);
  const found = hex(await digest(join(ascii("LTD1-cohosts"), given.drawId, unhex(root), ...reveals.map(({ secret }) => unhex(secret)))));
  unless(found === drawing.beacon, "it does not follow from what was revealed");
  return `${reveals.length} co-hosts revealed what they had committed to`;
}

export async function seed(given: Case): Promise<string> {
  const { drawing, root } = given;
  const parts = [given.drawId, unhex(root), unhex(given.proof.rules_hash), u64be(given.closing.round), unhex(drawing.beacon)];
  const found = hex(await digest(join(ascii("LTD1-seed"), ...parts)));
  unless(found === drawing.seed, `it is ${found}, not ${drawing.seed}`);
  return `seed ${found}`;
}
