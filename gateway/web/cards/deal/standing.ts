/** Standing: which deals and seats concern a viewer, and how they stand, in words. Pure. */

import type { Deal, OrderState, OwnSeat, RoomState, TeamView } from "@sdk";
import { money, timeOfDay } from "../../shared/format";
import { strings } from "../../shared/strings";

const words = strings.deal;
const told_ = words.told;

export const running = ({ state }: Deal) => state === "open" || state === "paused";

/** Seats of a team that nobody holds. */
export const free = ({ size, held = 0, paid = 0, waived = 0 }: TeamView) => Math.max(0, size - held - paid - waived);

/** Somebody sits there, and the team is not decided yet. */
export const seated = ({ state, team }: OwnSeat) => state !== "released" && (team.state === "forming" || team.state === "settling");

/** Money of this viewer is in it, or was. */
const concerns = (own: OwnSeat) => own.order != null || seated(own);

/** Orders that count as bought: they do until they lapse or go back. */
const SOLD: ReadonlySet<OrderState> = new Set<OrderState>(["confirming", "confirmed", "unpaid"]);

/** How many seats of a deal this viewer bought, as the server counts them for the limit. */
export const bought = (seats: readonly OwnSeat[], deal: string): number =>
  seats.filter(({ team, order }) => team.deal === deal && order != null && SOLD.has(order)).length;

export interface Standing {
  /** The one to look at. */
  readonly current: OwnSeat | undefined;
  /** Others, newest first. */
  readonly past: readonly OwnSeat[];
}

/** One's own seats in a deal: first the one that can still be done something about, else the newest. */
export function standing(seats: readonly OwnSeat[], deal: string): Standing {
  const own = seats.filter((seat) => seat.team.deal === deal).reverse();
  const current = own.find(seated) ?? own.find(({ order }) => order === "unpaid" || order === "confirming") ?? own[0];
  return { current, past: own.filter((seat) => seat !== current && concerns(seat)) };
}

/** Seats of a deal's teams that nobody holds, as the room was told last. */
export const seatsFree = ({ id }: Deal, { values }: RoomState): number => values[`deal_${id}_seats`] ?? 0;

/** Somebody may come in: teams are opened, or those that form after the deal was closed have room. */
export const joinable = (deal: Deal, state: RoomState) => running(deal) || (deal.state === "closed" && seatsFree(deal, state) > 0);

/** Every deal that one may come into, those taken back, and every other in which this viewer has a seat, an order or a refund; the invite's first, then newest. */
export function shownDeals(deals: readonly Deal[], state: RoomState, invited: string | undefined): readonly Deal[] {
  const { seats } = state;
  const mine = new Set(seats.map((seat) => seat.team.deal));
  const active = new Set(seats.filter(seated).map((seat) => seat.team.deal));
  const rank = ({ id }: Deal) => (id === invited ? 0 : active.has(id) ? 1 : 2);
  return deals
    .filter((deal) => joinable(deal, state) || deal.state === "voided" || deal.id === invited || mine.has(deal.id))
    .sort((one, other) => rank(one) - rank(other) || (one.id < other.id ? 1 : -1));
}

/** The time by which a room's deadlines run: it stands still during a technical break. */
export const roomNow = (now: number, { freezing }: RoomState) => freezing?.at ?? now;

/** Nothing of the money is here any more, or it is on its way already. */
const SETTLED: ReadonlySet<OrderState> = new Set<OrderState>(["returning", "returned", "lapsed"]);

export interface Told {
  readonly tone: "wait" | "good" | "bad" | "plain";
  readonly title: string;
  readonly text?: string | undefined;
}

/** What a viewer must know of an own seat. */
export function told(deal: Deal, own: OwnSeat): Told {
  const price = money(own.price ?? own.amount, deal);
  // The deal was taken back a moment ago, and this team's turn comes.
  if (deal.state === "voided" && own.order != null && !SETTLED.has(own.order)) return { tone: "bad", title: told_.voided, text: told_.returning(price) };
  switch (own.order) {
    case "confirming":
      return { tone: "good", title: told_.complete, text: told_.taking(price) };
    case "confirmed":
      return { tone: "good", title: told_.complete, text: `${told_.confirmed(price)}${saved(deal, own)}` };
    case "unpaid":
      return { tone: "bad", title: told_.unpaid, text: told_.unpaidText(price, own.repay_until == null ? "" : timeOfDay(own.repay_until)) };
    case "lapsed":
      return { tone: "plain", title: told_.lapsed, text: told_.lapsedText };
    case "returning":
      return { tone: "bad", title: ended(own), text: told_.returning(price) };
    case "returned":
      return { tone: "plain", title: ended(own), text: told_.returned(price) };
  }
  if (own.state === "released") return { tone: "plain", title: ended(own), text: own.why === "lapsed" ? told_.lostText : told_.nothing };
  if (own.team.state === "settling") return { tone: "wait", title: told_.settling, text: told_.settlingText };
  if (own.state === "paid") return { tone: "good", title: told_.paid, text: told_.paidText };
  return { tone: "wait", title: told_.held };
}

function saved(deal: Deal, { amount, price, given_back }: OwnSeat): string {
  const less = price != null && price < amount ? ` ${told_.saved(money(amount - price, deal))}` : "";
  return given_back ? `${less} ${told_.givenBack(money(given_back, deal))}` : less;
}

function ended({ why, team }: OwnSeat): string {
  if (team.state === "voided") return told_.voided;
  if (why === "left") return told_.left;
  if (why === "lapsed") return told_.lost;
  if (why === "payment") return told_.lostPayment;
  return team.state === "expired" ? told_.failed : told_.lost;
}
