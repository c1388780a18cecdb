/** The proof document, receipts and witnesses: their fields, and reading them strictly. */

import type { Json } from "./canonical";
import type { Inclusion } from "./tree";
import { among, digits, fields, flag, list, Malformed, matching, maybe, pair, type Shape, tagged, text, whole } from "./shape";

export type Beacon =
  | { readonly tier: "drand"; readonly chain: string }
  | { readonly tier: "co-hosts"; readonly cohosts: readonly { readonly name: string; readonly commitment: string }[]; readonly reveal_s: number }
  | { readonly tier: "recorded"; readonly round: number };

export interface Rules {
  readonly draw_id: string;
  readonly title: string;
  readonly organiser: string;
  readonly prizes: readonly { readonly tier: string; readonly name: string; readonly quantity: number; readonly value: number; readonly currency: string; readonly exponent: number }[];
  readonly reserves: number;
  readonly password: string | null;
  readonly entry: "click" | "password";
  readonly eligibility: { readonly commented: boolean; readonly joined_team: boolean; readonly bought: boolean; readonly watched_s: number };
  readonly weights: { readonly base: number; readonly commented: number; readonly joined_team: number; readonly bought: number; readonly watched: number; readonly watched_step_s: number; readonly watched_most: number };
  readonly exclude: { readonly winners_of_last: number };
  readonly latest_close_ms: number;
  readonly beacon: Beacon;
  readonly rehearsal: boolean;
  readonly terms: string;
  readonly region: string;
  readonly minimum_age: number;
  readonly claim_s: number;
  readonly shop_key: string;
}

export interface Closing {
  readonly closed_ms: number;
  readonly frozen_ms: number;
  readonly round: number;
  readonly root: string | null;
  readonly count: number;
  readonly total_weight: number;
  readonly published_ms: number | null;
}

export interface Reveal {
  readonly cohost: number;
  readonly secret: string;
  readonly revealed_ms: number;
}

export interface Drawing {
  readonly drawn_ms: number;
  readonly beacon: string;
  readonly signature: string | null;
  readonly seed: string;
  readonly winners: readonly string[];
  readonly reserves: readonly string[];
}

export interface Passed {
  readonly unit: number;
  readonly reserve: number;
  readonly why: "unclaimed" | "declined" | "disqualified";
  readonly passed_ms: number;
}

/** A prize that became nobody's. */
export interface Lapsed {
  readonly unit: number;
  readonly why: Passed["why"];
  readonly lapsed_ms: number;
}

export interface Proof {
  readonly draw_id: string;
  readonly rules: Rules;
  readonly rules_hash: string;
  readonly opened_ms: number;
  readonly outcome: "cancelled" | "closed" | "drawn" | "void";
  readonly voided: "late_root" | "missing_reveal" | null;
  readonly why: string;
  readonly closing: Closing | null;
  readonly entries: readonly (readonly [id: string, weight: number])[];
  readonly reveals: readonly Reveal[];
  readonly drawing: Drawing | null;
  readonly passed: readonly Passed[];
  readonly lapsed: readonly Lapsed[];
}

export interface Receipt {
  readonly draw_id: string;
  readonly rules_hash: string;
  readonly entry_id: string;
  readonly weight: number;
  readonly entered_ms: number;
  readonly signature: string;
}

/** What the shop answered when asked where an entry is in the tree. */
export interface Placed extends Inclusion {
  readonly draw: string;
  readonly root: string;
  readonly entry: string;
  readonly weight: number;
}

/** What a viewer's page kept when the root came by. */
export interface Witness {
  readonly draw_id: string;
  readonly rules_hash: string;
  readonly root: string;
  readonly round: number;
  readonly seen_ms: number;
}

const label = text(1, 200);
const words = text(0, 4000);
const ms = whole(0);
const bonus = whole(0, 1_000_000);
const chances = whole(1, 2 ** 32 - 1);
const hash = digits(32);
const id = digits(16);
const protocol = among("LTD1");
const MOST_PRIZES = 10_000;

const rules = fields({
  protocol,
  draw_id: id,
  room: label,
  title: label,
  prizes: list(fields({ tier: label, name: label, quantity: whole(1, MOST_PRIZES), value: whole(0), currency: matching(/^[A-Z]{3}$/, "three capital letters"), exponent: whole(0, 4) }), 1, 100),
  reserves: whole(0, MOST_PRIZES),
  entry: among("click", "password"),
  password: maybe(label),
  eligibility: fields({ commented: flag, joined_team: flag, bought: flag, watched_s: whole(0, 86_400) }),
  weights: fields({ base: whole(1, 1_000_000), commented: bonus, joined_team: bonus, bought: bonus, watched: bonus, watched_step_s: whole(1, 86_400), watched_most: whole(0, 100) }),
  exclude: fields({ staff: among(true), winners_of_last: whole(0, 1000) }),
  latest_close_ms: ms,
  freeze: among("shift"),
  beacon: tagged("tier", {
    drand: fields({ tier: among("drand"), chain: among("52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971") }),
    "co-hosts": fields({ tier: among("co-hosts"), cohosts: list(fields({ name: label, commitment: hash }), 2, 16), reveal_s: among(60) }),
    recorded: fields({ tier: among("recorded"), round: whole(1) }),
  }),
  rehearsal: flag,
  organiser: label,
  terms: words,
  region: words,
  minimum_age: whole(0, 120),
  claim_s: whole(60, 31_536_000),
  salt_hash: hash,
  shop_key: hash,
});

const why = among("unclaimed", "declined", "disqualified");

const proof = fields({
  protocol,
  draw_id: id,
  rules,
  rules_hash: hash,
  opened_ms: ms,
  outcome: among("cancelled", "closed", "drawn", "void"),
  voided: maybe(among("late_root", "missing_reveal")),
  why: words,
  closing: maybe(fields({ closed_ms: ms, frozen_ms: whole(0), round: whole(0), root: maybe(hash), count: whole(0), total_weight: whole(0), published_ms: maybe(ms) })),
  entries: list(pair(id, chances)),
  reveals: list(fields({ cohost: whole(1, 16), secret: hash, revealed_ms: ms })),
  drawing: maybe(fields({ drawn_ms: ms, beacon: hash, signature: maybe(digits(48)), seed: hash, winners: list(id), reserves: list(id) })),
  passed: list(fields({ unit: whole(0), reserve: whole(0), why, passed_ms: ms })),
}, { lapsed: list(fields({ unit: whole(0), why, lapsed_ms: ms })) });

const receipt = fields({ protocol, draw_id: id, rules_hash: hash, entry_id: id, weight: chances, entered_ms: ms, signature: digits(64) });
const witness = fields({ protocol, draw_id: id, rules_hash: hash, root: hash, round: whole(0), seen_ms: ms });

const placed = fields({ draw: id, root: hash, entry: id, weight: chances, index: whole(0), count: whole(0), path: list(hash) });

const PARTS: Readonly<Record<Proof["outcome"], readonly [closing: boolean, drawing: boolean, voided: boolean]>> = {
  cancelled: [false, false, false],
  closed: [true, false, false],
  drawn: [true, true, false],
  void: [true, false, true],
};

function read<T>(document: unknown, shape: Shape): T {
  if (typeof document !== "string") {
    shape(document, "");
    return document as T;
  }
  let value: Json;
  try {
    value = JSON.parse(document) as Json;
  } catch {
    throw new Malformed("it is no JSON");
  }
  shape(value, "");
  return value as T;
}

export const units = (of: Rules): number => of.prizes.reduce((sum, prize) => sum + prize.quantity, 0);

/** Reads a proof, as text or as the value of it. Throws Malformed. */
export function readProof(document: unknown): Proof {
  const stated = read<Omit<Proof, "lapsed"> & Partial<Pick<Proof, "lapsed">>>(document, proof);
  const found: Proof = { ...stated, lapsed: stated.lapsed ?? [] };
  const { rules: given } = found;
  if ((given.entry === "password") !== (given.password !== null)) throw new Malformed("a password belongs to entry by password, and only to it");
  if (units(given) > MOST_PRIZES) throw new Malformed("there are too many prizes");
  if (given.beacon.tier === "recorded" && !given.rehearsal) throw new Malformed("a recorded beacon is for rehearsals");
  const parts = [found.closing !== null, found.drawing !== null, found.voided !== null];
  if (parts.some((has, index) => has !== PARTS[found.outcome][index])) throw new Malformed(`a draw that is ${found.outcome} has other parts`);
  if (found.closing?.root === null && found.outcome !== "void") throw new Malformed("only a void draw has no root");
  if (found.closing === null && (found.entries.length || found.reveals.length)) throw new Malformed("a draw that never closed shows no entries");
  if (found.drawing === null && (found.passed.length || found.lapsed.length)) throw new Malformed("nothing was won that could be passed on");
  return found;
}

export const readRules = (document: unknown): Rules => read(document, rules);
export const readReceipt = (document: unknown): Receipt => read(document, receipt);
export const readPlaced = (document: unknown): Placed => read(document, placed);
export const readWitness = (document: unknown): Witness => read(document, witness);
