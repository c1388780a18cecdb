/** Steps: what checking a draw consists of, in order, in plain words. The Python checker has the same names. */

export const STEPS = {
  document: "The proof is complete and well formed",
  rules: "The rules are the ones that their hash names",
  close: "Entries closed when the rules say",
  round: "The beacon's round follows from the moment of closing",
  order: "Entries stand in order, none twice, as many as stated",
  weights: "Every weight is one the rules can give, and they add up",
  root: "The entries give the root that is stated",
  publication: "The root was out before the beacon existed",
  outcome: "The draw ended in a way the rules allow",
  beacon: "The beacon is genuine",
  seed: "The seed follows from root, rules, round and beacon",
  winners: "The winners follow from the seed",
  reserves: "The reserves follow from the seed, and prizes went on in their order",
  receipt: "Your receipt is genuine and your entry took part",
} as const;

export type StepName = keyof typeof STEPS;

export interface Step {
  readonly name: StepName;
  readonly result: "ok" | "failed" | "not_covered";
  /** What was found. */
  readonly text: string;
}

/** As in "1 entry" and "2 entries". */
export const counted = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`;

/** The step fails. */
export class Failed extends Error {}

/** Nothing is wrong, but the document alone cannot show that all is right. */
export class NotCovered extends Error {}
