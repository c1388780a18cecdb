/** Orders: who bought, what was taken and what was given back. */

import type { Deal, OrderState } from "@sdk";
import { money, timeOfDay } from "../../shared/format";
import { roomOfPage } from "../../shared/session";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import { Folded } from "./folded";
import { useList } from "./use-list";

const words = strings.deal;

interface Order {
  readonly order: string;
  /** The shop's own id; null: erased. */
  readonly viewer: string | null;
  readonly state: OrderState;
  readonly price: number | null;
  readonly captured: number;
  readonly refunded: number;
  readonly placed_at: number;
}

export function Orders(props: { deal: Deal; stamp: string }) {
  return <Folded title={words.orderList}>{() => <Table {...props} />}</Folded>;
}

function Table({ deal, stamp }: { deal: Deal; stamp: string }) {
  const list = useList<Order>(`/v1/rooms/${roomOfPage()}/deals/${deal.id}/orders`, stamp);
  const amount = (value: number | null) => (value ? money(value, deal) : "–");
  return (
    <>
      {list.trouble && <p class="trouble" role="alert">{list.trouble}</p>}
      {list.items?.length === 0 && <p class="faint">{words.noOrders}</p>}
      {list.items && list.items.length > 0 && (
        <div class="deal-table" tabIndex={0}>
          <table>
            <thead><tr>{words.orderColumns.map((column) => <th key={column} scope="col">{column}</th>)}</tr></thead>
            <tbody>
              {list.items.map((order) => (
                <tr key={order.order}>
                  <td>{timeOfDay(order.placed_at)}</td>
                  <td><Words>{order.viewer ?? words.unknownBuyer}</Words></td>
                  <td><span class={`badge ${order.state}`}>{words.orderStates[order.state]}</span></td>
                  <td>{amount(order.price)}</td>
                  <td>{amount(order.captured)}</td>
                  <td>{amount(order.refunded)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div class="buttons">
        {list.more && <button type="button" class="quiet" onClick={list.more}>{words.further}</button>}
        <button type="button" class="quiet" onClick={list.again}>{words.again}</button>
      </div>
    </>
  );
}
