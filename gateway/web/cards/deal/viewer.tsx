/** Group buys on the viewer page: every one that is open, and every one in which this viewer has a seat, an order or a refund. */

import type { Client, Deal, RoomState } from "@sdk";
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../../shared/api";
import { clock, money } from "../../shared/format";
import { Down, Timer } from "../../shared/icons";
import { roomOfPage } from "../../shared/session";
import { useTicks } from "../../shared/room";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import type { CardProps } from "../registry";
import { type Invite, useInvite } from "./invite";
import { Mine, Past } from "./mine";
import { useLeftOut, useNews } from "./news";
import { Offer } from "./offer";
import { percentOff } from "./plan";
import { joinable, roomNow, seated, shownDeals, standing, told } from "./standing";

const words = strings.deal;
const SEEN_MS = 5_000;

export function ForViewer({ client, state }: CardProps) {
  const [invite, forget] = useInvite();
  const older = useOlder(state, invite?.deal);
  const news = useNews(client);
  const leftOut = useLeftOut(client);
  const deals = shownDeals([...older.deals, ...state.deals], state, invite?.deal);
  useTicks(deals.length > 0, 500);
  useSeenLater(client, state);
  const nowhere = invite !== null && state.epoch !== "" && older.read && !deals.some(({ id }) => id === invite.deal);
  return (
    <>
      {nowhere && (
        <section class="card deal" aria-label={words.invited}>
          <p role="status">{words.invitedUnknown}</p>
          <div class="buttons"><button type="button" class="quiet" onClick={forget}>{words.forget}</button></div>
        </section>
      )}
      {deals.map((deal) => (
        <DealCard key={deal.id} client={client} state={state} deal={deal} alone={deals.length === 1} news={news[deal.id]} forget={forget} invite={invite?.deal === deal.id ? invite : null} />
      ))}
      {deals.length > 0 && leftOut > 0 && <p class="teams-left-out">{words.news.leftOut(leftOut)}</p>}
    </>
  );
}

/** Deals of own seats, and the invite's, that are older than those the room still tells of; and whether they were looked for. */
function useOlder({ deals, seats, epoch }: RoomState, invited: string | undefined): { readonly deals: readonly Deal[]; readonly read: boolean } {
  const [found, setFound] = useState<readonly Deal[]>();
  const known = new Set([...deals, ...(found ?? [])].map(({ id }) => id));
  const missing = epoch !== "" && [...seats.map(({ team }) => team.deal), ...(invited ? [invited] : [])].some((id) => !known.has(id));
  useEffect(() => {
    if (missing) void api<{ items: Deal[] }>("GET", `/v1/rooms/${roomOfPage()}/deals?limit=100`).then(({ items }) => setFound(items), () => undefined);
  }, [missing]);
  const told = new Set(deals.map(({ id }) => id));
  return { deals: (found ?? []).filter(({ id }) => !told.has(id)), read: found !== undefined };
}

/** Notices about own seats are taken in as they come; told once in a while, so that they do not come again. */
function useSeenLater(client: Client, state: RoomState) {
  const waits = state.seatNotice > state.noticesSeen && state.notices.length === 0;
  useEffect(() => {
    if (!waits) return;
    const timer = setTimeout(() => void client.seen(state.seatNotice).catch(() => undefined), SEEN_MS);
    return () => clearTimeout(timer);
  }, [waits, state.seatNotice]);
}

interface DealProps extends CardProps {
  readonly deal: Deal;
  /** No other is on the screen. */
  readonly alone: boolean;
  readonly news: string | undefined;
  /** Into a team of this deal. */
  readonly invite: Invite | null;
  readonly forget: () => void;
}

function DealCard({ client, state, deal, alone, news, invite, forget }: DealProps) {
  const [chosen, setChosen] = useState<boolean | null>(null);
  const place = useRef<HTMLElement>(null);
  const { current, past } = standing(state.seats, deal.id);
  const sits = current !== undefined && seated(current);
  const over = !joinable(deal, state) && !sits;
  const open = chosen ?? (invite !== null || sits || alone || current?.order === "unpaid" || current?.order === "returning");
  const now = roomNow(client.now(), state);
  useEffect(() => {
    if (invite || sits) place.current?.scrollIntoView({ block: "start" });
  }, [invite?.code, sits && current?.seat]);
  const signedIn = client.me !== undefined && client.me.role !== "anonymous";
  return (
    <section ref={place} class={`card deal${over ? " over" : ""}`} aria-label={words.label}>
      <h3 class="deal-head">
        <button type="button" aria-expanded={open} onClick={() => setChosen(!open)}>
          <span class="deal-name">
            <span class="card-title">{words.label} <Ends deal={deal} now={now} /></span>
            <Words class="card-text">{deal.title}</Words>
          </span>
          <Cost deal={deal} />
          <Down />
        </button>
      </h3>
      {!open && current && <p class={`deal-brief ${told(deal, current).tone}`} role="status">{told(deal, current).title}</p>}
      {open && current && <Mine key={current.seat} client={client} state={state} deal={deal} own={current} now={now} />}
      {open && !sits && <Offer client={client} state={state} deal={deal} now={now} signedIn={signedIn} invite={invite} forget={forget} again={current !== undefined} />}
      {open && past.length > 0 && <Past deal={deal} past={past} />}
      <p class="deal-news" role="status">{news && <Words>{news}</Words>}</p>
    </section>
  );
}

const lowest = ({ terms }: Deal) => terms.steps[terms.steps.length - 1]?.price ?? terms.single_price;

function Cost({ deal }: { deal: Deal }) {
  const { single_price } = deal.terms;
  return (
    <span class="deal-cost">
      <b>{money(lowest(deal), deal)}</b>
      <span><s aria-label={words.alone(money(single_price, deal))}>{money(single_price, deal)}</s> <span class="deal-off">{words.off(percentOff(lowest(deal), single_price))}</span></span>
    </span>
  );
}

function Ends({ deal, now }: { deal: Deal; now: number }) {
  if (deal.state !== "open") return <>· {words.states[deal.state]}</>;
  return deal.closes_at == null ? null : <>· <span role="timer" class="deal-clock" aria-label={words.endsIn(clock(deal.closes_at - now))}><Timer /> {clock(deal.closes_at - now)}</span></>;
}
