/** Group buys on the host page: set one up, and every one of the room with what can be done about it. */

import type { Deal } from "@sdk";
import { useState } from "preact/hooks";
import { useAct } from "../../shared/act";
import { api } from "../../shared/api";
import { useTicks } from "../../shared/room";
import { roomOfPage } from "../../shared/session";
import { strings } from "../../shared/strings";
import type { CardProps } from "../registry";
import { NewDeal } from "./forms";
import { running } from "./standing";
import { Steer } from "./steer";

const words = strings.deal;

export function ForHost({ client, state }: CardProps) {
  const [asking, setAsking] = useState(false);
  const [older, setOlder] = useState<readonly Deal[]>([]);
  const { act, busy, trouble } = useAct();
  const operates = client.me?.role === "operator";
  useTicks(operates && state.deals.some(running));
  if (!operates) return null;
  const known = new Set(state.deals.map(({ id }) => id));
  const all = [...state.deals, ...older.filter(({ id }) => !known.has(id))].sort((one, other) => (one.id < other.id ? 1 : -1));
  const over = all.filter((deal) => !running(deal));
  const readOlder = () => void act(async () => setOlder((await api<{ items: Deal[] }>("GET", `/v1/rooms/${roomOfPage()}/deals?limit=100`)).items));
  return (
    <>
      {all.filter(running).map((deal) => <Steer key={deal.id} client={client} state={state} deal={deal} />)}
      {asking
        ? <NewDeal client={client} onDone={() => setAsking(false)} />
        : <div class="card-tool"><button type="button" class="quiet" onClick={() => setAsking(true)}>{words.form}…</button></div>}
      {over.length > 0 && (
        <details class="deal-over">
          <summary>{words.over(over.length)}</summary>
          <div class="cards">{over.map((deal) => <Steer key={deal.id} client={client} state={state} deal={deal} />)}</div>
          {older.length === 0 && <button type="button" class="quiet" disabled={busy} onClick={readOlder}>{words.earlier}</button>}
          {trouble}
        </details>
      )}
    </>
  );
}
