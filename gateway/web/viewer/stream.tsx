/** Stream: the newest at the bottom, in sight, unless somebody scrolled up to read: then it holds still and counts. */

import type { Client, RoomState } from "@sdk";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Down } from "../shared/icons";
import { HostRow } from "../shared/rows";
import { strings } from "../shared/strings";
import { countAfter, type Entry, entries, MOST_ROWS } from "./entries";
import { ViewerComment } from "./viewer-comment";

/** So near the end is at the end: a finger is not exact. */
const NEAR_PX = 48;

export function Stream({ client, state }: { client: Client; state: RoomState }) {
  const current = useMemo(() => entries(state, client.blocked), [state.comments, state.messages, client.blocked]);
  const [held, setHeld] = useState<readonly Entry[] | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const shown = held ?? current;

  useLayoutEffect(() => {
    if (!held && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const resized = new ResizeObserver(() => {
      if (!held) element.scrollTop = element.scrollHeight;
    });
    resized.observe(element);
    return () => resized.disconnect();
  }, [held]);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
    setHeld((before) => (atEnd ? null : before ?? current));
  };

  return (
    <div class="stream">
      <div class="stream-window">
        <div class="stream-scroll" ref={box} onScroll={onScroll} tabIndex={0} role="log" aria-live="off" aria-label={strings.stream.label}>
          {shown.length === 0 && <p class="empty">{strings.stream.empty}</p>}
          <ol>
            {shown.map(({ kind, item }) =>
              kind === "comment" ? (
                <ViewerComment key={item.id} client={client} comment={item} times={state.echoes[item.id]} unseen={state.unseen[item.id]} />
              ) : (
                <HostRow key={item.id} message={item} />
              ),
            )}
          </ol>
        </div>
        <Chip held={held} current={current} onClick={() => setHeld(null)} />
      </div>
      <LeftOut total={state.commentsLeftOut} />
    </div>
  );
}

function Chip({ held, current, onClick }: { held: readonly Entry[] | null; current: readonly Entry[]; onClick: () => void }) {
  const fresh = held ? countAfter(current, held.at(-1)) : 0;
  if (fresh === 0) return null;
  const label = fresh >= MOST_ROWS ? `${MOST_ROWS}+` : strings.stream.fresh(fresh);
  return (
    <button type="button" class="chip" onClick={onClick} aria-label={`${label}. ${strings.stream.freshLabel}`}>
      {label} <Down />
    </button>
  );
}

/** A flood lasts; so long after its last drop the count starts over. */
const FLOOD_ENDS_MS = 6000;

function LeftOut({ total }: { total: number }) {
  const [from, setFrom] = useState(total);
  useEffect(() => {
    const timer = setTimeout(() => setFrom(total), FLOOD_ENDS_MS);
    return () => clearTimeout(timer);
  }, [total]);
  if (total <= from) return null;
  return <p class="left-out">{strings.stream.leftOut(total - from)}</p>;
}
