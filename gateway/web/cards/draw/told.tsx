/** What both cards show of a draw: prizes, rules, how far it is, winners. */

import type { Client, Draw, DrawWinner, RoomState } from "@sdk";
import type { Rules as PublishedRules } from "../../checker/document";
import { clock, money } from "../../shared/format";
import { Timer } from "../../shared/icons";
import { useTicks } from "../../shared/room";
import { Words } from "../../shared/words";
import { rulesOf } from "./published";
import { words } from "./words";

export function Prizes({ draw }: { draw: Pick<Draw, "prizes"> }) {
  return (
    <ul class="draw-prizes">
      {draw.prizes.map((prize, place) => (
        <li key={place}>
          <span class="faint"><Words>{prize.tier}</Words></span> <b><Words>{words.prize(prize.name, prize.quantity ?? 1)}</Words></b>{" "}
          <span class="faint">{money(prize.value, prize)}</span>
        </li>
      ))}
    </ul>
  );
}

function chances({ weights }: PublishedRules): string {
  const [commented, team, bought] = ["commented", "team", "bought"].map((need) => words.needs({ [need]: true })[0] ?? "");
  return words.chances(weights.base, [
    ...(weights.commented ? [words.extra(weights.commented, commented ?? "")] : []),
    ...(weights.joined_team ? [words.extra(weights.joined_team, team ?? "")] : []),
    ...(weights.bought ? [words.extra(weights.bought, bought ?? "")] : []),
    ...(weights.watched && weights.watched_most ? [words.watching(weights.watched, weights.watched_step_s, weights.watched_most)] : []),
  ]);
}

/** The rules as they were published, of a draw as they have it; nothing else is shown. */
export function Rules({ draw }: { draw: Draw }) {
  const rules = rulesOf(draw);
  if (!rules) return null;
  return (
    <details class="draw-rules">
      <summary>{words.rules}</summary>
      <p>{words.who(words.needs(draw.needs ?? {}))} {rules.exclude.winners_of_last > 0 && words.waits(rules.exclude.winners_of_last)}</p>
      <p>{words.beacons[draw.beacon]}</p>
      <dl>
        {(draw.parties ?? []).length > 0 && <><dt>{words.cohosts}</dt><dd><Words>{(draw.parties ?? []).join(", ")}</Words></dd></>}
        <dt>{words.weight}</dt><dd>{chances(rules)}</dd>
        <dt>{words.organiser}</dt><dd><Words>{rules.organiser}</Words></dd>
        <dt>{words.region}</dt><dd><Words>{rules.region || words.anywhere}</Words></dd>
        <dt>{words.age}</dt><dd>{rules.minimum_age}</dd>
        <dt>{words.claimTime}</dt><dd>{words.lasting(rules.claim_s)}</dd>
        {rules.terms && <><dt>{words.terms}</dt><dd><Words>{rules.terms}</Words></dd></>}
      </dl>
    </details>
  );
}

const REVEAL_MS = 60_000;

/** Count and clock while it is open; what happens after it closed. */
export function Progress({ client, state, draw }: { client: Client; state: RoomState; draw: Draw }) {
  useTicks(draw.state === "open" || draw.state === "closed", 250);
  const now = state.freezing ? state.freezing.at : client.now();
  if (draw.state === "open") {
    const left = (draw.closes_at ?? 0) - now;
    return (
      <p class="draw-progress">
        <b data-testid="draw-count">{words.in(state.values["draw_entries"] ?? 0)}</b>
        <span class="draw-clock"><Timer />{draw.by_hand ? <span class="faint">{words.byHand}</span> : <b role="timer" class="clock">{clock(left)}</b>}</span>
        {state.freezing && <span class="faint">{words.frozen}</span>}
      </p>
    );
  }
  if (draw.state !== "closed") return null;
  const wait = (draw.beacon_at ?? 0) - client.now();
  return (
    <div class="draw-progress">
      <p role="status"><b>{words.closed}</b> {draw.root ? words.rooted(draw.entries ?? 0) : words.counting}</p>
      {draw.beacon === "drand" && <p>{wait > 0 ? <>{words.round(draw.round ?? 0)} <b role="timer">{clock(wait)}</b></> : words.soon}</p>}
      {draw.beacon === "cohosts" && draw.root && (
        <p>{words.reveal((draw.revealed ?? []).length, (draw.parties ?? []).length)}. {words.revealBy} <b role="timer">{clock((draw.rooted_at ?? 0) + REVEAL_MS - client.now())}</b></p>
      )}
    </div>
  );
}

export function prizeName(draw: Pick<Draw, "prizes">, prize: number): string {
  let left = prize;
  for (const tier of draw.prizes) {
    const quantity = tier.quantity ?? 1;
    if (left < quantity) return tier.name;
    left -= quantity;
  }
  return "";
}

/** How many single prizes there are. */
export const units = (draw: Pick<Draw, "prizes">): number => draw.prizes.reduce((sum, { quantity = 1 }) => sum + quantity, 0);

/** Who won it does not have it any more, and nobody else does. */
export function Lapsed({ winner }: { winner: DrawWinner }) {
  return winner.lapsed ? <span class="draw-lapsed"> {words.lapsed(winner.lapsed)}</span> : null;
}

export function Winners({ draw, mine }: { draw: Draw; mine?: string | undefined }) {
  if (draw.state !== "drawn" && draw.state !== "settled") return null;
  const winners = draw.winners ?? [];
  const most = units(draw);
  return (
    <div class="draw-winners" role="status">
      <p class="card-title">{words.winners}</p>
      {winners.length === 0 && <p>{words.nobody}</p>}
      <ol>
        {winners.map((winner) => (
          <li key={winner.prize} class={winner.lapsed ? "lapsed" : winner.entry === mine ? "own" : ""}>
            <b><Words>{winner.name}</Words></b> <code class="faint">{winner.entry.slice(0, 6)}</code>{winner.entry === mine && <span class="role you">{words.you}</span>} – <Words>{prizeName(draw, winner.prize)}</Words>
            {winner.place >= most && <span class="faint"> ({words.reserve(winner.place - most + 1)})</span>}
            <Lapsed winner={winner} />
          </li>
        ))}
      </ol>
    </div>
  );
}

type Ending = Pick<Draw, "id" | "state"> & { readonly why?: string | null };

export function Ended({ draw }: { draw: Ending }) {
  if (draw.state === "cancelled") return <p><Words>{words.cancelled(draw.why ?? "")}</Words></p>;
  if (draw.state === "void") return <p>{words.voids[draw.why ?? ""] ?? words.void}</p>;
  return null;
}

/** The page that computes it anew; it needs a proof, so not before the root is out. */
export function CheckLink({ draw }: { draw: Ending & Pick<Draw, "root"> }) {
  if (draw.state === "announced" || draw.state === "open" || (draw.state === "closed" && !draw.root)) return null;
  return <a class="draw-check" href={`/check?draw=${draw.id}`} target="_blank" rel="noopener" title={words.checkHint}>{words.check}</a>;
}
