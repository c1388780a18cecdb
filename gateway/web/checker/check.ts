/**
 * Checks a draw from its proof alone, step by step, up to the first that fails.
 *
 * Written from docs/draw-protocol.md, and from nothing that the server runs: two programs that agree are worth more than
 * one that agrees with itself.
 */

import { ascii, hex, join, u32be, u64be, unhex } from "./bytes";
import { canonical, type Json } from "./canonical";
import { digest } from "./digest";
import { type Beacon, type Closing, type Drawing, type Placed, type Proof, readProof, type Receipt, units, type Witness } from "./document";
import { Pace } from "./pace";
import { picks } from "./picks";
import { randomness, roundFor, signed, timeOf } from "./quicknet";
import { genuine } from "./receipt";
import { Malformed } from "./shape";
import { Failed, NotCovered, type Step, type StepName, STEPS } from "./steps";
import { included, leafOf, rootOf } from "./tree";

const REVEAL_MS = 60_000;
const SWEEP_MS = 5000;

/** What a viewer may have besides the proof. */
export interface Mine {
  readonly receipt?: Receipt | undefined;
  /** Of the receipt's entry. */
  readonly inclusion?: Placed | undefined;
  readonly witness?: Witness | undefined;
}

const fail = (why: string): never => {
  throw new Failed(why);
};
const unless = (holds: boolean, why: string) => holds || fail(why);

/** One check: what is known of the draw while the steps are taken. */
class Check {
  private readonly pace = new Pace();
  private drawn: readonly string[] | undefined;

  constructor(
    private readonly proof: Proof,
    private readonly mine: Mine,
  ) {}

  readonly take: Readonly<Record<StepName, () => Promise<string> | string>> = {
    document: () => this.document(),
    rules: () => this.rules(),
    close: () => this.close(),
    round: () => this.round(),
    order: () => this.order(),
    weights: () => this.weights(),
    root: () => this.root(),
    publication: () => this.publication(),
    outcome: () => this.outcome(),
    beacon: () => this.beacon(),
    seed: () => this.seed(),
    winners: () => this.winners(),
    reserves: () => this.reserves(),
    receipt: () => this.receipt(),
  };

  private get drawId(): Uint8Array {
    return unhex(this.proof.draw_id);
  }

  private get closing(): Closing {
    if (this.proof.closing === null) throw new NotCovered("the draw was cancelled before it closed");
    return this.proof.closing;
  }

  private get announced(): string {
    if (this.closing.root === null) throw new NotCovered("no root ever came out, and the draw is void");
    return this.closing.root;
  }

  private get drawing(): Drawing {
    if (this.proof.drawing === null) throw new NotCovered(`the draw is ${this.proof.outcome}: nothing was drawn`);
    return this.proof.drawing;
  }

  private get latestCloseMs(): number {
    return this.proof.rules.latest_close_ms + this.closing.frozen_ms;
  }

  private document(): string {
    unless(this.proof.draw_id === this.proof.rules.draw_id, "the rules are of another draw");
    return `a draw that is ${this.proof.outcome}`;
  }

  private async rules(): Promise<string> {
    const found = hex(await digest(ascii(canonical(this.proof.rules as unknown as Json))));
    unless(found === this.proof.rules_hash, `their hash is ${found}, not ${this.proof.rules_hash}`);
    return `their hash is ${found}`;
  }

  private close(): string {
    const { closed_ms } = this.closing;
    unless(closed_ms >= this.proof.opened_ms, "it closed before it opened");
    const lateBy = closed_ms - this.latestCloseMs;
    if (lateBy > SWEEP_MS) throw new NotCovered(`it closed ${Math.floor(lateBy / 1000)} s after the latest close; that nobody entered then is not shown`);
    return lateBy >= 0 ? "at the latest close" : `by hand, ${Math.floor(-lateBy / 1000)} s before the latest close`;
  }

  private round(): string {
    const { beacon } = this.proof.rules;
    const { closed_ms, round } = this.closing;
    const expected = beacon.tier === "drand" ? roundFor(closed_ms) : beacon.tier === "recorded" ? beacon.round : 0;
    unless(round === expected, `it should be ${expected}, not ${round}`);
    return expected ? `round ${expected}` : "co-hosts have no rounds";
  }

  private order(): string {
    const { count } = this.closing;
    let before = "";
    for (const [id] of this.proof.entries) {
      unless(id !== before, `entry ${id} stands twice`);
      unless(id > before, `entry ${id} is out of order`);
      before = id;
    }
    const { length } = this.proof.entries;
    unless(length === count, `there are ${length}, but ${count} were announced`);
    return `${length} entries`;
  }

  private weights(): string {
    const { total_weight } = this.closing;
    const { base, commented, joined_team, bought, watched, watched_most } = this.proof.rules.weights;
    const most = base + commented + joined_team + bought + watched * watched_most;
    let total = 0;
    for (const [id, weight] of this.proof.entries) {
      unless(weight >= base && weight <= most, `entry ${id} has ${weight}; the rules give ${base} to ${most}`);
      total += weight;
    }
    unless(total === total_weight, `they add up to ${total}, but ${total_weight} was announced`);
    return `${total} in all, each from ${base} to ${most}`;
  }

  private async root(): Promise<string> {
    const announced = this.announced;
    const leaf = leafOf(this.drawId);
    const leaves: Uint8Array[] = [];
    for (const [id, weight] of this.proof.entries) {
      leaves.push(leaf(id, weight));
      if (this.pace.due) await this.pace.breathe();
    }
    const found = hex(await rootOf(leaves, this.pace));
    unless(found === announced, `they give ${found}, not ${announced}`);
    return `root ${found}`;
  }

  /** From when on the beacon may be known; null: it has no such time. */
  private get dueMs(): number | null {
    const { rules, reveals } = this.proof;
    if (rules.beacon.tier === "drand") return timeOf(this.closing.round);
    return rules.beacon.tier === "co-hosts" && reveals.length ? Math.min(...reveals.map(({ revealed_ms }) => revealed_ms)) : null;
  }

  /** When the whole beacon was known at the earliest; recorded ones count from the root. */
  private get knownMs(): number {
    const { rules, reveals } = this.proof;
    if (rules.beacon.tier === "drand") return timeOf(this.closing.round);
    return rules.beacon.tier === "co-hosts" ? Math.max(0, ...reveals.map(({ revealed_ms }) => revealed_ms)) : (this.closing.published_ms ?? 0);
  }

  private publication(): string {
    const { announced: root, closing, proof, dueMs } = this;
    if (proof.outcome === "void") throw new NotCovered("the draw is void");
    const { published_ms } = closing;
    if (published_ms === null) return fail("the root never came out");
    unless(published_ms >= closing.closed_ms, "the root came out before the close");
    unless(dueMs === null || published_ms < dueMs, "the root came out when the beacon was known: the draw ought to be void");
    const { witness } = this.mine;
    if (!witness) throw new NotCovered("publication time not witnessed: that it came out in time is the shop’s word");
    const same = witness.draw_id === proof.draw_id && witness.rules_hash === proof.rules_hash && witness.root === root && witness.round === closing.round;
    unless(same, "what was seen at the time is another root, round, draw or set of rules");
    if (dueMs === null || witness.seen_ms >= dueMs) throw new NotCovered("publication time not witnessed: it was seen only afterwards");
    return `publication time witnessed: seen ${((dueMs - witness.seen_ms) / 1000).toFixed(1)} s before the beacon`;
  }

  private async outcome(): Promise<string> {
    const { outcome, voided, why } = this.proof;
    if (outcome === "cancelled") {
      unless(why !== "", "it was cancelled without a reason");
      return `cancelled before it closed: ${why}`;
    }
    if (voided === "late_root") return this.lateRoot();
    return voided === "missing_reveal" ? this.missingReveal() : outcome;
  }

  private lateRoot(): string {
    const { published_ms, round } = this.closing;
    const { witness } = this.mine;
    const drand = this.proof.rules.beacon.tier === "drand";
    const seen = witness?.draw_id === this.proof.draw_id && witness.round === round && witness.seen_ms < timeOf(round);
    unless(!(drand && seen), "void for a late root, but it was seen in time");
    if (published_ms === null) return "void: the root never came out";
    unless(drand && published_ms >= timeOf(round), "void for a late root, but the root was in time");
    return "void: the root was late";
  }

  private async missingReveal(): Promise<string> {
    const { beacon } = this.proof.rules;
    if (beacon.tier !== "co-hosts") return fail("void for a missing reveal, but there are no co-hosts");
    const good = await this.genuineReveals(beacon);
    const there = new Set(this.proof.reveals.filter((_, index) => good[index]).map(({ cohost }) => cohost));
    const missing = beacon.cohosts.filter((_, index) => !there.has(index + 1)).map(({ name }) => name);
    unless(missing.length > 0, "void for a missing reveal, but all revealed in time");
    return `void: no reveal in time from ${missing.join(", ")}`;
  }

  /** Of each reveal: is it what was committed to, and in time? */
  private genuineReveals({ cohosts }: Extract<Beacon, { tier: "co-hosts" }>): Promise<boolean[]> {
    const published = this.closing.published_ms ?? 0;
    return Promise.all(
      this.proof.reveals.map(async ({ cohost, secret, revealed_ms }) => {
        const made = hex(await digest(join(ascii("LTD1-commit"), this.drawId, u32be(cohost), unhex(secret))));
        return cohosts[cohost - 1]?.commitment === made && revealed_ms >= published && revealed_ms <= published + REVEAL_MS;
      }),
    );
  }

  private async beacon(): Promise<string> {
    const { drawing } = this;
    const { tier } = this.proof.rules.beacon;
    unless(drawing.drawn_ms >= this.knownMs, "winners were drawn before it was known");
    if (tier === "co-hosts") return this.cohosts();
    if (drawing.signature === null) return fail("the round’s signature is missing");
    const signature = unhex(drawing.signature);
    const { round } = this.closing;
    await this.pace.breathe();
    unless(signed(round, signature), `drand did not sign round ${round} so`);
    unless(hex(randomness(signature)) === drawing.beacon, "it is not the hash of the round’s signature");
    if (tier === "recorded") throw new NotCovered(`round ${round} of drand, known beforehand: this is a rehearsal`);
    return `drand signed round ${round}`;
  }

  private async cohosts(): Promise<string> {
    const { drawing, announced } = this;
    const { beacon } = this.proof.rules;
    if (beacon.tier !== "co-hosts") return fail("there are no co-hosts");
    unless(drawing.signature === null, "co-hosts sign no round");
    const { reveals } = this.proof;
    unless(reveals.length === beacon.cohosts.length && reveals.every(({ cohost }, index) => cohost === index + 1), "not every co-host revealed, in their order");
    const bad = (await this.genuineReveals(beacon)).indexOf(false);
    unless(bad < 0, `what ${beacon.cohosts[bad]?.name} revealed is not what was committed to, or not in time`);
    const found = hex(await digest(join(ascii("LTD1-cohosts"), this.drawId, unhex(announced), ...reveals.map(({ secret }) => unhex(secret)))));
    unless(found === drawing.beacon, "it does not follow from what was revealed");
    return `${reveals.length} co-hosts revealed what they had committed to`;
  }

  private async seed(): Promise<string> {
    const { drawing, announced } = this;
    const parts = [this.drawId, unhex(announced), unhex(this.proof.rules_hash), u64be(this.closing.round), unhex(drawing.beacon)];
    const found = hex(await digest(join(ascii("LTD1-seed"), ...parts)));
    unless(found === drawing.seed, `it is ${found}, not ${drawing.seed}`);
    return `seed ${found}`;
  }

  private async inOrder(): Promise<readonly string[]> {
    const { entries, rules } = this.proof;
    if (!this.drawn) {
      const weights = entries.map(([, weight]) => weight);
      const indexes = await picks(unhex(this.drawing.seed), weights, units(rules) + rules.reserves, this.pace);
      this.drawn = indexes.map((index) => (entries[index] as readonly [string, number])[0]);
    }
    return this.drawn;
  }

  private async winners(): Promise<string> {
    const { winners } = this.drawing;
    same(winners, (await this.inOrder()).slice(0, units(this.proof.rules)));
    return `${winners.length} winners`;
  }

  private async reserves(): Promise<string> {
    const { reserves, winners, drawn_ms } = this.drawing;
    const { passed, rules } = this.proof;
    same(reserves, (await this.inOrder()).slice(units(rules)));
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
    return `${reserves.length} reserves, ${passed.length} of them moved up`;
  }

  private async receipt(): Promise<string> {
    const { proof } = this;
    const { receipt } = this.mine;
    if (!receipt) throw new NotCovered("no receipt was given");
    unless(receipt.draw_id === proof.draw_id, "it is of another draw");
    unless(receipt.rules_hash === proof.rules_hash, "it was given under other rules");
    const signature = await genuine(receipt, unhex(proof.rules.shop_key));
    if (signature === null) throw new NotCovered("this browser cannot check the shop’s signature, or not on a page without https");
    unless(signature, "the shop’s key did not sign it");
    const { closed_ms } = this.closing;
    unless(receipt.entered_ms >= proof.opened_ms && receipt.entered_ms <= Math.min(closed_ms, this.latestCloseMs), "it was given when the draw was not open");
    const index = proof.entries.findIndex(([id]) => id === receipt.entry_id);
    const weight = proof.entries[index]?.[1];
    if (weight === undefined) return fail("the entry is missing among those that took part");
    unless(weight >= receipt.weight, `the entry took part with ${weight}, but ${receipt.weight} was promised`);
    if (this.mine.inclusion) this.placed(this.mine.inclusion, index, receipt.entry_id, weight);
    return `entry ${index + 1} of ${proof.entries.length}, with weight ${weight}`;
  }

  private placed(said: Placed, index: number, id: string, weight: number): void {
    const { announced: root, proof } = this;
    const same = said.draw === proof.draw_id && said.root === root && said.entry === id && said.weight === weight && said.index === index && said.count === proof.entries.length;
    unless(same, "its inclusion proof is of another root, place, weight, entry or draw");
    unless(included(unhex(root), leafOf(this.drawId)(id, weight), said), "its inclusion proof does not lead to the root");
  }
}

function same(stated: readonly string[], expected: readonly string[]): void {
  stated.forEach((id, index) => {
    const drawn = expected[index];
    unless(drawn === undefined || drawn === id, `number ${index + 1} should be ${drawn}, not ${id}`);
  });
  unless(stated.length === expected.length, `there should be ${expected.length}, not ${stated.length}`);
}

async function taken(name: StepName, take: () => Promise<string> | string): Promise<Step> {
  try {
    return { name, result: "ok", text: await take() };
  } catch (error) {
    if (error instanceof Failed) return { name, result: "failed", text: error.message };
    if (error instanceof NotCovered) return { name, result: "not_covered", text: error.message };
    throw error;
  }
}

/**
 * Yields each step with its result; the first that failed is the last.
 *
 * `document` is the proof's text, or what JSON.parse made of it. `progress` hears the name of each step before it is
 * taken. Long steps let the page breathe: 20,000 entries take about a second.
 */
export async function* check(document: unknown, mine: Mine = {}, progress?: (name: StepName) => void): AsyncGenerator<Step, void> {
  let proof: Proof;
  try {
    progress?.("document");
    proof = readProof(document);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    yield { name: "document", result: "failed", text: `not a proof: ${error.message}` };
    return;
  }
  const checking = new Check(proof, mine);
  for (const name of Object.keys(STEPS) as StepName[]) {
    progress?.(name);
    const step = await taken(name, checking.take[name]);
    yield step;
    if (step.result === "failed") return;
  }
}
