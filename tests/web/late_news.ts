/** Applies one viewer's pushes, a list a line of standard input, and answers with the own seats and the deals that are shown then. */

import { createInterface } from "node:readline";
import type { Push } from "../../gateway/web/sdk/src/protocol";
import { apply, EMPTY } from "../../gateway/web/sdk/src/state";

async function main(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const { seats, deals, breaks } = (JSON.parse(line) as Push[]).reduce(apply, EMPTY);
    process.stdout.write(`${JSON.stringify({ seats, deals, breaks })}\n`);
  }
}

void main();
