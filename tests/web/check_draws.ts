/**
 * Checks one draw a line of standard input, `{proof, receipt, inclusion, witness}`, and answers with `{steps, not_proven}`: name,
 * result and text of each step, but for what is no proof, and what a proof of this draw does not show.
 */

import { createInterface } from "node:readline";
import { check } from "../../gateway/web/checker/check";
import { readPlaced, readProof, readReceipt, readWitness } from "../../gateway/web/checker/document";
import { notProven } from "../../gateway/web/checker/limits";

async function main(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const { proof, receipt, inclusion, witness } = JSON.parse(line) as { readonly [name: string]: unknown };
    const mine = { receipt: receipt ? readReceipt(receipt) : undefined, inclusion: inclusion ? readPlaced(inclusion) : undefined, witness: witness ? readWitness(witness) : undefined };
    const steps: [string, string, string][] = [];
    for await (const { name, result, text } of check(JSON.stringify(proof), mine)) steps.push([name, result, text.startsWith("not a proof") ? "" : text]);
    process.stdout.write(`${JSON.stringify({ steps, not_proven: limits(proof) })}\n`);
  }
}

function limits(proof: unknown): readonly string[] {
  try {
    return notProven(readProof(proof));
  } catch {
    return [];
  }
}

void main();
