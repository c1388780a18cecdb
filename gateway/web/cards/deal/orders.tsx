/** Orders: who bought, what was taken and what was given back; and giving back a part or all of one. */

import type { Deal, OrderState } from "@sdk";
import { useState } from "preact/hooks";
import { useAct } from "../../shared/act";
import { money, timeOfDay } from "../../shared/format";
import { roomOfPage } from "../../shared/session";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import type { CardProps } from "../registry";
import { Folded } from "./folded";
import { minor, plain } from "./plan";
import { useList } from "./use-list";

const words = strings.deal;
/** Money moves a moment after it was asked for. */
const MOVED_MS = 2500;

interface Order {
  readonly order: string;
  /** The shop's own id; null: erased. */
  readonly viewer: string | null;
  /** The shop's own number of it. */
  readonly reference: string | null;
  readonly state: OrderState;
  readonly price: number | null;
  readonly given_back: number;
  readonly captured: number;
  readonly refunded: number;
  readonly placed_at: number;
}

interface OrdersProps extends CardProps {
  readonly deal: Deal;
  /** Changes when orders may have. */
  readonly stamp: string;
}

export function Orders(props: OrdersProps) {
  return <Folded title={words.orderList}>{() => <Table {...props} />}</Folded>;
}

function Table({ client, state, deal, stamp }: OrdersProps) {
  const waiting = new Set((state.desk?.refunds ?? []).filter((each) => each.deal === deal.id).map(({ purchase }) => purchase));
  const list = useList<Order>(`/v1/rooms/${roomOfPage()}/deals/${deal.id}/orders`, `${stamp} ${[...waiting].join()}`);
  const [giving, setGiving] = useState<Order | null>(null);
  const done = () => {
    setGiving(null);
    list.again();
    setTimeout(list.again, MOVED_MS);
  };
  return (
    <>
      {list.trouble && <p class="trouble" role="alert">{list.trouble}</p>}
      {list.items?.length === 0 && <p class="faint">{words.noOrders}</p>}
      {list.items && list.items.length > 0 && (
        <div class="deal-table" tabIndex={0}>
          <table>
            <thead><tr>{words.orderColumns.map((column) => <th key={column} scope="col">{column}</th>)}</tr></thead>
            <tbody>{list.items.map((order) => <Row key={order.order} deal={deal} order={order} waits={waiting.has(order.order)} onGive={() => setGiving(order)} />)}</tbody>
          </table>
        </div>
      )}
      {giving && <GiveBack key={giving.order} client={client} deal={deal} order={giving} onDone={done} onStop={() => setGiving(null)} />}
      <div class="buttons">
        {list.more && <button type="button" class="quiet" onClick={list.more}>{words.further}</button>}
        <button type="button" class="quiet" onClick={list.again}>{words.again}</button>
      </div>
    </>
  );
}

const left = ({ price, given_back }: Order) => (price ?? 0) - given_back;

function Row({ deal, order, waits, onGive }: { deal: Deal; order: Order; waits: boolean; onGive: () => void }) {
  const amount = (value: number | null) => (value ? money(value, deal) : "–");
  const who = order.viewer ?? words.unknownBuyer;
  return (
    <tr>
      <td>{timeOfDay(order.placed_at)}</td>
      <td><Words>{who}</Words>{order.reference && <> <Words class="faint">{order.reference}</Words></>}</td>
      <td><span class={`badge ${order.state}`}>{words.orderStates[order.state]}</span></td>
      <td>{amount(order.price)}</td>
      <td>{amount(order.captured)}</td>
      <td>{amount(order.refunded)}</td>
      <td>
        {waits && <span class="faint">{words.giveBackWaits}</span>}
        {!waits && order.state === "confirmed" && left(order) > 0 && <button type="button" class="quiet" aria-label={words.giveBackLabel(who)} onClick={onGive}>{words.giveBack}</button>}
      </td>
    </tr>
  );
}

interface GiveBackProps {
  readonly client: CardProps["client"];
  readonly deal: Deal;
  readonly order: Order;
  readonly onDone: () => void;
  readonly onStop: () => void;
}

function GiveBack({ client, deal, order, onDone, onStop }: GiveBackProps) {
  const { act, busy, trouble } = useAct();
  const exponent = deal.exponent ?? 2;
  const [typed, setTyped] = useState(plain(left(order), exponent));
  const [why, setWhy] = useState("");
  const amount = minor(typed, exponent);
  const wrong = amount === null || amount <= 0 || amount > left(order);
  const submit = (event: Event) => {
    event.preventDefault();
    if (!wrong) void act(() => client.run({ t: "refund_order", deal: deal.id, order: order.order, amount, why: why.trim() })).then((went) => went && onDone());
  };
  return (
    <div class="deal-ask" role="alertdialog" aria-label={words.giveBackLabel(order.viewer ?? words.unknownBuyer)} onKeyDown={(event) => event.key === "Escape" && onStop()}>
      <form onSubmit={submit}>
        <p><Words class="name">{order.viewer ?? words.unknownBuyer}</Words>. {words.giveBackAsk(money(left(order), deal))}</p>
        <label>{words.giveBackAmount}<input inputMode="decimal" value={typed} aria-invalid={wrong} onInput={(event) => setTyped(event.currentTarget.value)} required autofocus /></label>
        <label>{words.giveBackWhy}<input value={why} onInput={(event) => setWhy(event.currentTarget.value)} maxLength={200} required dir="auto" /></label>
        {wrong && <p class="trouble" role="alert">{strings.errors.amount_refused}</p>}
        {trouble}
        <div class="buttons">
          <button type="submit" class="primary" disabled={busy || wrong || !why.trim()}>{words.giveBackGo}</button>
          <button type="button" class="quiet" onClick={onStop}>{strings.cancel}</button>
        </div>
      </form>
    </div>
  );
}
