/** What both cards show of a draw: prizes, rules, how far it is, winners. */

import type { Client, Draw, RoomState } from "@sdk";
import { clock, money } from "../../shared/format";
import { Timer } from "../../shared/icons";
import { useTicks } from "../../shared/room";
import { Words } from "../../shared/words";
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

interface Published {
  readonly organiser: string;
  readonly terms: string;
  readonly region: string;
  readonly minimum_age: number;
  readonly claim_s: number;
  readonly exclude: { readonly winners_of_last: number };
  readonly weights: { readonly commented: number; readonly joined_team: number; readonly bought: number };
}

/** The rules as they were published; nothing else is shown. */
export function Rules({ draw }: { draw: Draw }) {
  if (!draw.rules) return null;
  const rules = JSON.parse(draw.rules) as Published;
  const more = [
    ...(rules.weights.commented ? [`+${rules.weights.commented} ${words.host.commented}`] : []),
    ...(rules.weights.bought ? [`+${rules.weights.bought} ${words.host.bought}`] : []),
    ...(rules.weights.joined_team ? [`+${rules.weights.joined_team} ${words.host.team}`] : []),
  ];
  return (
    <details class="draw-rules">
      <summary>{words.rules}</summary>
      <p>{words.who(words.needs(draw.needs ?? {}))}{rules.exclude.winners_of_last > 0 && ` ${words.host.exclude}: ${rules.exclude.winners_of_last}.`}</p>
      <p>{words.beacons[draw.beacon]}</p>
      <dl>
        <dt>{words.organiser}</dt><dd><Words>{rules.organiser}</Words></dd>
        {more.length > 0 && <><dt>{words.weight}</dt><dd>1, {more.join(", ")}</dd></>}
        <dt>{words.region}</dt><dd><Words>{rules.region || words.anywhere}</Words></dd>
        <dt>{words.age}</dt><dd>{rules.minimum_age}</dd>
        <dt>{words.claimTime}</dt><dd>{words.days(rules.claim_s)}</dd>
        {rules.terms && <><dt>{words.terms}</dt><dd><Words>{rules.terms}</Words></dd></>}
      </dl>
    </details>
  );
}

/** Count and clock while it is open; what happens after it closed. */
export function Progress({ client, state, draw }: { client: Client; state: RoomState; draw: Draw }) {
  useTicks(draw.state === "open" || draw.state === "closed", 250);
  const now = state.freezing ? state.freezing.at : client.now();
  if (draw.state === "open") {
    const left = (draw.closes_at ?? 0) - now;
    return (
      <p class="draw-progress">
        <b data-testid="draw-count">{words.in(state.values.draw_entries ?? 0)}</b>
        <span class="draw-clock"><Timer />{draw.by_hand ? <span class="faint">{words.byHand}</span> : <b role="timer" class="clock">{clock(left)}</b>}</span>
        {state.freezing && <span class="faint">{words.frozen}</span>}
      </p>
    );
  }
  if (draw.state !== "closed") return null;
  const wait = (draw.beacon_at ?? 0) - client.now();
  return (
    <div class="draw-progress">
      <p><b>{words.closed}</b> {draw.root ? words.rooted(draw.entries ?? 0) : words.counting}</p>
      {draw.beacon === "drand" && <p>{wait > 0 ? <>{words.round(draw.round ?? 0)} <b role="timer">{clock(wait)}</b></> : words.soon}</p>}
      {draw.beacon === "cohosts" && draw.root && <p>{words.reveal((draw.revealed ?? []).length, (draw.parties ?? []).length)}</p>}
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

export function Winners({ draw, mine }: { draw: Draw; mine?: string | undefined }) {
  if (draw.state !== "drawn" && draw.state !== "settled") return null;
  const winners = draw.winners ?? [];
  return (
    <div class="draw-winners">
      <p class="card-title">{words.winners}</p>
      {winners.length === 0 && <p>{words.nobody}</p>}
      <ol>
        {winners.map((winner) => (
          <li key={winner.prize} class={winner.entry === mine ? "own" : ""}>
            <b><Words>{winner.name}</Words></b> <code class="faint">{winner.entry.slice(0, 6)}</code>{winner.entry === mine && <span class="role you">{words.you}</span>} – <Words>{prizeName(draw, winner.prize)}</Words>
          </li>
        ))}
      </ol>
    </div>
  );
}

export function Ended({ draw }: { draw: Draw }) {
  if (draw.state === "cancelled") return <p><Words>{words.cancelled(draw.why ?? "")}</Words></p>;
  if (draw.state === "void") return <p>{words.voids[draw.why ?? ""] ?? words.void}</p>;
  return null;
}

/** The page that computes it anew; it needs a proof, so not before the root is out. */
export function CheckLink({ draw }: { draw: Draw }) {
  if (draw.state === "announced" || draw.state === "open" || (draw.state === "closed" && !draw.root)) return null;
  return <a class="draw-check" href={`/check?draw=${draw.id}`} target="_blank" rel="noopener" title={words.checkHint}>{words.check}</a>;
}
