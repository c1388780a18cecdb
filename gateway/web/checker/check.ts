/**
 * Checks a draw from its proof alone, step by step, up to the first that fails.
 *
 * Written from docs/draw-protocol.md, and from nothing that the server runs: two programs that agree are worth more than
 * one that agrees with itself.
 */

import * as beacon from "./beacon-steps";
import { Case, type Mine } from "./case";
import { type Proof, readProof } from "./document";
import * as entries from "./entries-steps";
import { Malformed } from "./shape";
import { Failed, NotCovered, type Step, type StepName, STEPS } from "./steps";
import * as winners from "./winners-steps";

export type { Mine };

const TAKE: Readonly<Record<StepName, (found: Case) => Promise<string> | string>> = {
  document: entries.document,
  rules: entries.rules,
  close: entries.close,
  round: entries.round,
  order: entries.order,
  weights: entries.weights,
  root: entries.root,
  publication: beacon.publication,
  outcome: beacon.outcome,
  beacon: beacon.beacon,
  seed: beacon.seed,
  winners: winners.winners,
  reserves: winners.reserves,
  receipt: winners.receipt,
};

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
  const found = new Case(proof, mine);
  for (const name of Object.keys(STEPS) as StepName[]) {
    progress?.(name);
    const step = await taken(name, () => TAKE[name](found));
    yield step;
    if (step.result === "failed") return;
  }
}
