/** Deal: a group buy, with the viewer's own seat; for operators, what they set up and steer. */

import type { Client, Deal, OwnSeat, PayAt, Product, RoomState, TeamView } from "@sdk";
import { useEffect, useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { api } from "../shared/api";
import { clock, money } from "../shared/format";
import { useTicks } from "../shared/room";
import { roomOfPage } from "../shared/session";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";
import type { Card, CardProps } from "./registry";

const words = strings.deal;
const INVITED = /[#&]team=([0-9a-z]{13})\.([A-Za-z0-9_-]{22})/;
const LISTED_MS = 3_000;
const SEEN_MS = 5_000;
const LIFE = [120, 300, 600, 1800] as const;
const WINDOW = [600, 1200, 3600] as const;

const running = ({ state }: Deal) => state === "open" || state === "paused";
const top = <Item,>(items: readonly Item[]): Item | undefined => items[items.length - 1];

/** The time by which this room's deadlines run: it stands still during a technical break. */
const roomNow = (client: Client, state: RoomState) => state.freezing?.at ?? client.now();

function Prices({ deal }: { deal: Deal }) {
  return (
    <>
      {deal.terms.steps.map((step) => <p key={step.people} class="price"><b>{words.price(money(step.price, deal), step.people)}</b></p>)}
      <p class="price"><s>{money(deal.terms.single_price, deal)}</s> <span class="faint">{words.alone}</span></p>
    </>
  );
}

function Standing({ deal, state }: { deal: Deal; state: RoomState }) {
  const left = state.values[`deal_${deal.id}_left`];
  if (deal.state === "voided") return <p>{words.voided} {deal.why && <Words>{deal.why}</Words>}</p>;
  if (deal.state === "closed") return <p class="faint">{words.closed}</p>;
  if (deal.state === "paused") return <p class="faint">{words.paused}</p>;
  if (deal.sold_out) return <p class="faint">{words.soldOut}</p>;
  return left === undefined ? null : <p class="faint">{words.left(left)}</p>;
}

function ForViewer({ client, state }: CardProps) {
  const deal = top(state.deals);
  const own = deal && top(state.seats.filter((seat) => seat.team.deal === deal.id));
  const [gone, setGone] = useState<string | null>(null);
  useTicks(deal !== undefined, 500);
  useSeenLater(client, state);
  if (!deal) return null;
  const shown = own && own.seat !== gone && !(own.state === "released" && !own.order && own.why === "left") ? own : undefined;
  if (!shown && !running(deal) && deal.state !== "voided") return null;
  return (
    <aside class="card form deal" aria-label={words.label}>
      <span class="card-title">{words.label}</span>
      <Words class="card-text">{deal.title}</Words>
      {shown ? <Mine client={client} state={state} deal={deal} own={shown} onDone={() => setGone(shown.seat)} /> : <Offer client={client} state={state} deal={deal} />}
    </aside>
  );
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

function Offer({ client, state, deal }: CardProps & { deal: Deal }) {
  const { act, busy, trouble } = useAct();
  const teams = useTeams(deal, state);
  const invite = INVITED.exec(location.hash);
  const signedIn = client.me !== undefined && client.me.role !== "anonymous";
  return (
    <>
      <Prices deal={deal} />
      <Standing deal={deal} state={state} />
      {deal.closes_at != null && running(deal) && <b role="timer" class="clock">{clock(deal.closes_at - roomNow(client, state))}</b>}
      {deal.terms.new_only && <p class="faint">{words.newOnly}</p>}
      {!signedIn && running(deal) && <p class="faint">{strings.errors.sign_in_required}</p>}
      {signedIn && running(deal) && (
        <div class="buttons">
          {invite?.[1] === deal.id && (
            <button type="button" class="primary" disabled={busy} onClick={() => act(() => client.run({ t: "join_team", deal: deal.id, invite: invite[2] ?? "" }))}>{words.joinInvite}</button>
          )}
          <button type="button" class={invite?.[1] === deal.id ? "quiet" : "primary"} disabled={busy || deal.state !== "open" || deal.sold_out === true} onClick={() => act(() => client.run({ t: "open_team", deal: deal.id }))}>{words.open}</button>
        </div>
      )}
      {signedIn && teams.length > 0 && (
        <ul aria-label={words.teams} class="teams">
          {teams.map((team) => (
            <li key={team.id}>
              <span>{words.needs(free(team))} · <span class="clock-small">{clock(team.deadline - roomNow(client, state))}</span></span>
              <button type="button" class="quiet" disabled={busy} onClick={() => act(() => client.run({ t: "join_team", deal: deal.id, team: team.id }))}>{words.join}</button>
            </li>
          ))}
        </ul>
      )}
      {trouble}
    </>
  );
}

const free = ({ size, held = 0, paid = 0, waived = 0 }: TeamView) => size - held - paid - waived;

/** Teams that anyone may join, read again while seats are free. */
function useTeams(deal: Deal, state: RoomState): readonly TeamView[] {
  const [teams, setTeams] = useState<readonly TeamView[]>([]);
  const seats = state.values[`deal_${deal.id}_seats`] ?? 0;
  useEffect(() => {
    if (!running(deal) || seats === 0) return setTeams([]);
    const read = () => void api<{ items: TeamView[] }>("GET", `/v1/rooms/${roomOfPage()}/deals/${deal.id}/teams?limit=3`).then(({ items }) => setTeams(items), () => undefined);
    const first = setTimeout(read, Math.random() * LISTED_MS); // a thousand viewers do not ask at once
    return () => clearTimeout(first);
  }, [deal.id, deal.state, seats]);
  return teams;
}

function Mine({ client, state, deal, own, onDone }: CardProps & { deal: Deal; own: OwnSeat; onDone: () => void }) {
  const { act, busy, trouble } = useAct();
  const [copied, setCopied] = useState(false);
  const { team } = own;
  const forming = team.state === "forming" && own.state !== "released";
  const waiting = own.state === "held" || own.state === "paying";
  const now = roomNow(client, state);
  const pay = () => void act(async () => {
    const { url } = (await client.run({ t: "pay_seat", deal: deal.id, seat: own.seat })) as PayAt;
    location.assign(url);
  });
  const copy = async () => {
    await navigator.clipboard.writeText(`${location.origin}${location.pathname}#team=${deal.id}.${own.invite}`);
    setCopied(true);
  };
  return (
    <div class="seat" role="status">
      {forming && <p><b>{words.team((team.held ?? 0) + (team.paid ?? 0) + (team.waived ?? 0), team.size)}</b> <b role="timer" class="clock">{clock(team.deadline - now)}</b></p>}
      <p>{told(deal, own)}</p>
      {forming && waiting && own.hold_until != null && <p class="faint">{words.holdFor} {clock(own.hold_until - now)}. {words.payHint}</p>}
      <div class="buttons">
        {((forming && waiting) || own.order === "unpaid") && <button type="button" class="primary" disabled={busy} onClick={pay}>{words.pay(money(own.price ?? own.amount, deal))}</button>}
        {forming && own.invite && <button type="button" class="quiet" onClick={() => void copy()}>{copied ? words.copied : words.share}</button>}
        {forming && <button type="button" class="quiet" disabled={busy} onClick={() => act(() => client.run({ t: "leave_team", deal: deal.id, seat: own.seat }))}>{words.leave}</button>}
        {!forming && <button type="button" class="quiet" onClick={onDone}>{words.dismiss}</button>}
      </div>
      {trouble}
    </div>
  );
}

function told(deal: Deal, { state, order, price, team }: OwnSeat): string {
  const cost = price == null ? "" : money(price, deal);
  switch (order) {
    case "confirming": return words.complete(cost);
    case "confirmed": return words.confirmed(cost);
    case "unpaid": return words.unpaid;
    case "lapsed": return words.lapsed;
    case "returning": return `${team.state === "expired" ? `${words.failed} ` : ""}${words.returning}`;
    case "returned": return `${team.state === "expired" ? `${words.failed} ` : ""}${words.returned}`;
  }
  if (state === "released") return team.state === "expired" ? words.failed : words.seatLost;
  if (team.state === "settling") return words.settling;
  return state === "paid" ? words.paid : "";
}

function ForHost({ client, state }: CardProps) {
  const [asking, setAsking] = useState(false);
  if (client.me?.role !== "operator") return null;
  const going = state.deals.filter(running);
  return (
    <>
      {going.map((deal) => <Steer key={deal.id} client={client} state={state} deal={deal} />)}
      {asking
        ? <NewDeal client={client} onDone={() => setAsking(false)} />
        : <div class="card-tool"><button type="button" class="quiet" onClick={() => setAsking(true)}>{words.form}…</button></div>}
    </>
  );
}

function Steer({ client, state, deal }: CardProps & { deal: Deal }) {
  const { act, busy, trouble } = useAct();
  const [why, setWhy] = useState<string | null>(null);
  const go = (command: Parameters<Client["run"]>[0]) => void act(() => client.run(command));
  return (
    <section class="card form deal" aria-label={words.label}>
      <span class="card-title">{words.label}</span>
      <Words class="card-text">{deal.title}</Words>
      <Standing deal={deal} state={state} />
      <p class="faint">{words.seats(state.values[`deal_${deal.id}_seats`] ?? 0)}</p>
      {why === null ? (
        <div class="buttons">
          {deal.state === "open"
            ? <button type="button" class="quiet" disabled={busy} onClick={() => go({ t: "change_deal", deal: deal.id, state: "paused" })}>{words.pause}</button>
            : <button type="button" class="quiet" disabled={busy} onClick={() => go({ t: "change_deal", deal: deal.id, state: "open" })}>{words.resume}</button>}
          {deal.closes_at != null && <button type="button" class="quiet" disabled={busy} onClick={() => go({ t: "extend_deal", deal: deal.id, by_s: 300 })}>{words.extend}</button>}
          <button type="button" class="quiet" disabled={busy} onClick={() => go({ t: "close_deal", deal: deal.id })}>{words.close}</button>
          <button type="button" class="quiet" disabled={busy} onClick={() => setWhy("")}>{words.takeBack}</button>
        </div>
      ) : (
        <form onSubmit={(event) => { event.preventDefault(); go({ t: "void_deal", deal: deal.id, why: why.trim() }); }}>
          <label>{words.takeBackWhy}<input value={why} onInput={(event) => setWhy(event.currentTarget.value)} maxLength={200} required autofocus /></label>
          <div class="buttons">
            <button type="submit" class="primary" disabled={busy || !why.trim()}>{words.takeBackNow}</button>
            <button type="button" class="quiet" onClick={() => setWhy(null)}>{strings.cancel}</button>
          </div>
        </form>
      )}
      {trouble}
    </section>
  );
}

function NewDeal({ client, onDone }: { client: Client; onDone: () => void }) {
  const { act, busy, failed, trouble } = useAct();
  const [products, setProducts] = useState<readonly Product[]>([]);
  const [chosen, setChosen] = useState("");
  const [steps, setSteps] = useState<readonly { people: string; price: string }[]>([{ people: "3", price: "" }]);
  const [stock, setStock] = useState("100");
  const [life, setLife] = useState<number>(600);
  const [window_, setWindow] = useState<number>(1200);
  const [low, setLow] = useState(false);
  useEffect(() => {
    void api<{ items: Product[] }>("GET", `/v1/rooms/${roomOfPage()}/products`).then(({ items }) => {
      setProducts(items);
      setChosen(items[0]?.id ?? "");
    }, () => undefined);
  }, []);
  const product = products.find((each) => each.id === chosen);
  const scale = 10 ** (product?.exponent ?? 2);
  const change = (index: number, more: Partial<{ people: string; price: string }>) => setSteps(steps.map((step, at) => (at === index ? { ...step, ...more } : step)));
  const start = (event: Event) => {
    event.preventDefault();
    void act(() => client.run({
      t: "open_deal", product: chosen, stock: Number(stock), life_s: life, low_price: low,
      steps: steps.map(({ people, price }) => ({ people: Number(people), price: Math.round(Number(price) * scale) })),
      ...(window_ ? { closes_in_s: window_ } : {}),
    })).then((done) => done && onDone());
  };
  return (
    <form class="card form deal" aria-label={words.form} onSubmit={start} onKeyDown={(event) => event.key === "Escape" && onDone()}>
      <label>{words.product}
        <select value={chosen} onChange={(event) => setChosen(event.currentTarget.value)} required autofocus>
          {products.map((each) => <option key={each.id} value={each.id}>{each.title} · {money(each.price, each)}</option>)}
        </select>
      </label>
      <fieldset>
        <legend>{words.steps}</legend>
        {steps.map((step, index) => (
          <div key={index} class="step">
            <input type="number" min="2" max="10" aria-label={words.people} value={step.people} onInput={(event) => change(index, { people: event.currentTarget.value })} required />
            <input type="number" min="0" step="any" aria-label={words.stepPrice} value={step.price} onInput={(event) => change(index, { price: event.currentTarget.value })} required />
          </div>
        ))}
        <button type="button" class="quiet" onClick={() => setSteps([...steps, { people: String(Number(top(steps)?.people ?? 2) + 1), price: "" }])}>+</button>
      </fieldset>
      <label>{words.stock}<input type="number" min="1" value={stock} onInput={(event) => setStock(event.currentTarget.value)} required /></label>
      <label>{words.life}
        <select value={life} onChange={(event) => setLife(Number(event.currentTarget.value))}>{LIFE.map((each) => <option key={each} value={each}>{clock(each * 1000)}</option>)}</select>
      </label>
      <label>{words.window}
        <select value={window_} onChange={(event) => setWindow(Number(event.currentTarget.value))}>{WINDOW.map((each) => <option key={each} value={each}>{clock(each * 1000)}</option>)}<option value={0}>{words.noEnd}</option></select>
      </label>
      {failed && <label class="check"><input type="checkbox" checked={low} onChange={(event) => setLow(event.currentTarget.checked)} /> {words.lowPrice}</label>}
      <div class="buttons">
        <button type="submit" class="primary" disabled={busy || !chosen}>{words.start}</button>
        <button type="button" class="quiet" onClick={onDone}>{strings.cancel}</button>
      </div>
      {trouble}
    </form>
  );
}

export default { id: "deal", order: 7, viewer: ForViewer, host: ForHost } satisfies Card;
