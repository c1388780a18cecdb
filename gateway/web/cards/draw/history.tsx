/** History: every draw of the room that was ever opened, with its check. */

import type { Draw } from "@sdk";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api } from "../../shared/api";
import { roomOfPage } from "../../shared/session";
import { Words } from "../../shared/words";
import { Sheet } from "./sheet";
import { CheckLink, Ended, Lapsed, prizeName } from "./told";
import { useDrawAct } from "./use-draw";
import { moment } from "./when";
import { words } from "./words";

const say = words.history;
const PAGE = 20;
const NAMED = 3;

/** A draw as the history has it: without the text of its rules. */
export type Past = Omit<Draw, "rules">;

interface Page {
  readonly items: readonly Past[];
  readonly next: string | null;
}

/** The button that shows it. `more`: what staff may do with one. */
export function History({ more }: { more?: (draw: Past) => ComponentChildren }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="quiet" onClick={() => setOpen(true)}>{say.open}</button>
      {open && <Sheet title={say.title} onClose={() => setOpen(false)}><List more={more} /></Sheet>}
    </>
  );
}

function List({ more }: { more: ((draw: Past) => ComponentChildren) | undefined }) {
  const { act, busy, trouble } = useDrawAct();
  const [items, setItems] = useState<readonly Past[]>([]);
  const [next, setNext] = useState<string | null | undefined>(undefined);
  const read = (before: string | null) =>
    void act(async () => {
      const path = `/v1/rooms/${encodeURIComponent(roomOfPage())}/draws?limit=${PAGE}`;
      const page = await api<Page>("GET", before ? `${path}&before=${before}` : path);
      setItems((known) => [...known, ...page.items]);
      setNext(page.next ?? null);
    });
  useEffect(() => read(null), []);
  return (
    <>
      <p class="faint">{say.public}</p>
      {next === null && items.length === 0 && <p>{say.none}</p>}
      <ol class="draw-history">
        {items.map((draw) => <Row key={draw.id} draw={draw} more={more} />)}
      </ol>
      {next && <button type="button" class="quiet" disabled={busy} onClick={() => read(next)}>{say.more}</button>}
      {trouble}
    </>
  );
}

function Row({ draw, more }: { draw: Past; more: ((draw: Past) => ComponentChildren) | undefined }) {
  const winners = draw.winners ?? [];
  return (
    <li>
      <p class="draw-history-head">
        <b><Words>{draw.title}</Words></b> <span class={`draw-state ${draw.state}`}>{words.state(draw)}</span>
      </p>
      <p class="faint">
        {draw.opened_at != null && <time dateTime={new Date(draw.opened_at).toISOString()}>{moment(draw.opened_at)}</time>} · {say.entries(draw.entries ?? 0)}
      </p>
      {winners.length > 0 && (
        <p>
          {winners.slice(0, NAMED).map((winner) => <span key={winner.prize} class="draw-name"><b><Words>{winner.name}</Words></b> <Words>{prizeName(draw, winner.prize)}</Words><Lapsed winner={winner} /></span>)}
          {winners.length > NAMED && <span class="faint">+{winners.length - NAMED}</span>}
        </p>
      )}
      <Ended draw={draw} />
      <p class="draw-links"><CheckLink draw={draw} />{more?.(draw)}</p>
    </li>
  );
}
