/** Hooks of the draw's cards: commands with the draw's own words for refusals, and what this browser keeps. */

import { type Client, type Draw, ownIn, Refused, type RoomState } from "@sdk";
import { useEffect, useState } from "preact/hooks";
import { readReceipt, readWitness } from "../../checker/document";
import { keep } from "../../checker/kept";
import { useAct } from "../../shared/act";
import { asPublished, hashOf, receiptHolds, rulesFit } from "./published";
import { words } from "./words";

/** The draw that was opened last, as its rules have it; undefined: none yet. */
export function current(state: RoomState): Draw | undefined {
  const draw = state.draws.find((each) => each.state !== "announced");
  return draw && asPublished(draw);
}
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

/** What the server sent and does not fit together. */
export interface Doubts {
  readonly rules: boolean;
  readonly receipt: boolean;
}

/** What `ask` found; it is asked anew when one of these changes. */
function useDoubt(ask: () => Promise<boolean>, on: readonly unknown[]): boolean {
  const [doubt, setDoubt] = useState(false);
  useEffect(() => {
    let gone = false;
    ask().then((found) => gone || setDoubt(found), () => undefined); // what could not be fetched is asked again by the next page
    return () => {
      gone = true;
    };
  }, on);
  return doubt;
}

/** Keep one's receipt if it is genuine, and the root and the hash of the rules with the moment this page saw them: the checker compares. */
export function useKeeping(client: Client, draw: Draw | undefined, state: RoomState): Doubts {
  const receipt = ownIn(state.ownDraws, draw?.id)?.receipt;
  const rules = useDoubt(async () => {
    if (!draw) return false;
    if (!draw.rules) return true; // it was opened, so everybody else has them
    const seen_ms = Math.round(client.now());
    const rules_hash = await hashOf(draw.rules);
    if (draw.root) keep(draw.id, { witness: readWitness({ protocol: "LTD1", draw_id: draw.id, rules_hash, root: draw.root, round: draw.round ?? 0, seen_ms }) });
    return !(await rulesFit(draw));
  }, [draw?.id, draw?.root, draw?.rules]);
  const unsigned = useDoubt(async () => {
    if (!draw || !receipt) return false;
    const holds = await receiptHolds(draw, receipt);
    if (holds) keep(draw.id, { receipt: readReceipt(receipt) });
    return !holds;
  }, [draw?.id, draw?.rules, receipt?.signature]);
  return { rules, receipt: unsigned };
}
