/** Checks one draw a line of standard input, `{proof, receipt, inclusion, witness}`, and answers with `[name, result]` of each step. */

import { createInterface } from "node:readline";
import { check } from "../../gateway/web/checker/check";
import { readPlaced, readReceipt, readWitness } from "../../gateway/web/checker/document";

async function main(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const { proof, receipt, inclusion, witness } = JSON.parse(line) as { readonly [name: string]: unknown };
    const mine = { receipt: receipt ? readReceipt(receipt) : undefined, inclusion: inclusion ? readPlaced(inclusion) : undefined, witness: witness ? readWitness(witness) : undefined };
    const taken: [string, string][] = [];
    for await (const { name, result } of check(JSON.stringify(proof), mine)) taken.push([name, result]);
    process.stdout.write(`${JSON.stringify(taken)}\n`);
  }
}

void main();
