/** Counters: how many watch, like and talk, and how many comments a flood kept off the screens. */

import type { Client, RoomState } from "@sdk";
import { useRef } from "preact/hooks";
import { useTicks } from "../shared/room";
import { count, strings } from "../shared/strings";

const words = strings.hostPage.counters;
const WINDOW_MS = 10_000;
const TICK_MS = 1000;

interface Mark {
  readonly at: number;
  readonly total: number;
}

export function Counters({ state }: { client: Client; state: RoomState }) {
  useTicks(true, TICK_MS);
  const perSecond = useRate(state.commentsReceived + state.commentsLeftOut);
  return (
    <dl class="box counters">
      <Counter label={words.viewers} value={count(state.values["viewers"] ?? 0)} id="viewers" />
      <Counter label={words.likes} value={count(state.values["likes"] ?? 0)} id="likes" />
      <Counter label={words.perSecond} value={perSecond < 10 ? perSecond.toFixed(1) : count(Math.round(perSecond))} id="rate" />
      <Counter label={words.leftOut} value={count(state.commentsLeftOut)} id="left-out" />
    </dl>
  );
}

function Counter({ label, value, id }: { label: string; value: string; id: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd data-testid={id}>{value}</dd>
    </div>
  );
}

/** How fast a total rises, a second, over the last ten. */
function useRate(total: number): number {
  const marks = useRef<Mark[]>([]);
  const now = Date.now();
  const last = marks.current.at(-1);
  if (!last || now - last.at >= TICK_MS / 2) marks.current.push({ at: now, total });
  marks.current = marks.current.filter((mark) => now - mark.at <= WINDOW_MS);
  const first = marks.current[0];
  const spanMs = first ? now - first.at : 0;
  return first && spanMs >= TICK_MS ? ((total - first.total) * 1000) / spanMs : 0;
}
