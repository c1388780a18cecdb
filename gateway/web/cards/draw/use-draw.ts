/** Hooks of the draw's cards: commands with the draw's own words for refusals, and what this browser keeps. */

import { type Client, type Draw, ownIn, Refused, type RoomState } from "@sdk";
import { useEffect } from "preact/hooks";
import { readReceipt, readWitness } from "../../checker/document";
import { keep } from "../../checker/kept";
import { useAct } from "../../shared/act";
import { words } from "./words";

/** The draw that was opened last; undefined: none yet. */
export const current = (state: RoomState): Draw | undefined => state.draws.find((draw) => draw.state !== "announced");
export const waiting = (state: RoomState): readonly Draw[] => state.draws.filter((draw) => draw.state === "announced");

/** A refusal in the words of draws, with what the server names; undefined: it concerns others. */
export function told(code: string, why: string | null | undefined): string | undefined {
  const said = (words.errors as Readonly<Record<string, string>>)[code];
  return said && words.detailed.includes(code) && why ? words.because(said, why) : said;
}

/** As `useAct`, but a refusal that concerns draws is told in their words. */
export function useDrawAct() {
  const used = useAct();
  const act = (command: () => Promise<unknown>) =>
    used.act(async () => {
      try {
        await command();
      } catch (error) {
        const said = error instanceof Refused && told(error.code, error.message);
        throw said ? new Told(said) : error;
      }
    });
  return { ...used, act };
}

/** What went wrong, in words that are ready to be read. */
export class Told extends Error {
  constructor(readonly told: string) {
    super(told);
  }
}

/** Keep one's receipt, and the root with the moment this page saw it: the checker compares. */
export function useKeeping(client: Client, draw: Draw | undefined, state: RoomState): void {
  const receipt = ownIn(state.ownDraws, draw?.id)?.receipt;
  useEffect(() => {
    if (receipt) keep(receipt.draw_id, { receipt: readReceipt(receipt) });
  }, [receipt?.signature]);
  useEffect(() => {
    if (!draw?.root || !draw.rules_hash) return;
    keep(draw.id, {
      witness: readWitness({
        protocol: "LTD1", draw_id: draw.id, rules_hash: draw.rules_hash, root: draw.root, round: draw.round ?? 0, seen_ms: Math.round(client.now()),
      }),
    });
  }, [draw?.id, draw?.root]);
}
