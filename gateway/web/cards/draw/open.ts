/** Opening a draw: with co-hosts this browser promises a secret, and the promises of the invited come with it. */

import type { Client, Draw } from "@sdk";
import { commitmentIn, HOST_PARTY, type Invited, promise } from "./cohosts";
import { say } from "./host-words";
import { Told } from "./use-draw";

export function openDraw(client: Client, { id, beacon }: Pick<Draw, "id" | "beacon">, others: readonly Invited[] = []): Promise<unknown> {
  if (beacon !== "cohosts") return client.run({ t: "open_draw", draw: id });
  const theirs = others.map((other, place) => commitmentIn(other.promise, HOST_PARTY + 1 + place) ?? "");
  const names = [client.me?.name ?? "host", ...others.map(({ name }) => name)];
  return client.run({ t: "open_draw", draw: id, commitments: [promiseHere(id), ...theirs], names });
}

function promiseHere(draw: string): string {
  try {
    return promise(draw, HOST_PARTY);
  } catch {
    throw new Told(say.noStorage);
  }
}
