/** Hooks of the draw's cards: commands with the draw's own words for refusals, and what this browser keeps. */

import { type Client, type Draw, Refused, type RoomState } from "@sdk";
import { useEffect } from "preact/hooks";
import { ascii, hex, join, u32be, unhex } from "../../checker/bytes";
import { hash } from "../../checker/digest";
import { readReceipt, readWitness } from "../../checker/document";
import { keep } from "../../checker/kept";
import { useAct } from "../../shared/act";
import { words } from "./words";

/** The draw that was opened last; undefined: none yet. */
export const current = (state: RoomState): Draw | undefined => state.draws.find((draw) => draw.state !== "announced");
export const waiting = (state: RoomState): readonly Draw[] => state.draws.filter((draw) => draw.state === "announced");

/** As `useAct`, but a refusal that concerns draws is told in their words, with what the server names. */
export function useDrawAct() {
  const used = useAct();
  const act = (command: () => Promise<unknown>) =>
    used.act(async () => {
      try {
        await command();
      } catch (error) {
        if (error instanceof Refused && words.errors[error.code]) throw new Told(words.errors[error.code] as string, error);
        throw error;
      }
    });
  return { ...used, act };
}

/** A refusal in words that are ready to be read. */
export class Told extends Error {
  constructor(
    readonly told: string,
    readonly refused: Refused,
  ) {
    super(told);
  }
}

/** Keep one's receipt, and the root with the moment this page saw it: the checker compares. */
export function useKeeping(client: Client, draw: Draw | undefined, state: RoomState): void {
  const receipts = state.ownDraws.flatMap(({ receipt }) => (receipt ? [receipt] : []));
  useEffect(() => {
    for (const receipt of receipts) keep(receipt.draw_id, { receipt: readReceipt(receipt) });
  }, [receipts.map(({ signature }) => signature).join()]);
  useEffect(() => {
    if (!draw?.root || !draw.rules_hash) return;
    keep(draw.id, {
      witness: readWitness({
        protocol: "LTD1", draw_id: draw.id, rules_hash: draw.rules_hash, root: draw.root, round: draw.round ?? 0, seen_ms: Math.round(client.now()),
      }),
    });
  }, [draw?.id, draw?.root]);
}

const secretKey = (id: string) => `livestream.draw.secret.${id}`;
/** Number of the host's browser among the co-hosts; the server is 1. */
export const PARTY = 2;

/** Make this browser a co-host: keeps a secret and gives what is published of it. */
export function commit(id: string): string {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  localStorage.setItem(secretKey(id), hex(secret)); // throws where nothing can be kept: then it cannot be a co-host
  return hex(hash(join(ascii("LTD1-commit"), unhex(id), u32be(PARTY), secret)));
}

export function keptSecret(id: string): string | null {
  try {
    return localStorage.getItem(secretKey(id));
  } catch {
    return null;
  }
}

/** Everybody in the room sees the root before any secret, and can witness it. The server waits as long. */
const REVEAL_LEAD_MS = 3000;

/** The host's browser reveals its secret once the root is out. */
export function useRevealing(client: Client, draw: Draw | undefined): void {
  const due = draw?.state === "closed" && draw.beacon === "cohosts" && Boolean(draw.root) && !(draw.revealed ?? []).includes(PARTY);
  const id = draw?.id;
  useEffect(() => {
    const secret = due && id ? keptSecret(id) : null;
    if (!secret || !id) return;
    // The button is there too, should this fail.
    const timer = setTimeout(() => void client.run({ t: "reveal_draw", draw: id, party: PARTY, secret }).catch(() => undefined), REVEAL_LEAD_MS);
    return () => clearTimeout(timer);
  }, [due, id]);
}
