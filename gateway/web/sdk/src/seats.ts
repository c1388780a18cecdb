/**
 * Own seats: what a viewer's screen makes of what it is told of their seats. Pure.
 *
 * They are told all at once, by notices and by answers. What comes late is older
 * than what is known, or does not know of a break that is over: `at` says as of
 * when it is. Whatever comes in whatever order, each seat is as it was told
 * last, with clocks of now.
 */

import type { Break, OwnSeat } from "./protocol";

/** In the order of ids, each with clocks of now. */
export type Seats = readonly OwnSeat[];

/** A seat with clocks of now: what it waits for is later by the breaks that it does not know of. */
export function caughtUp(own: OwnSeat, breaks: readonly Break[]): OwnSeat {
  return breaks.reduce<OwnSeat>((seat, { at, shifted_ms }) => (seat.at < at ? later(seat, shifted_ms) : seat), own);
}

/** With one that is new, or stands otherwise now. What is older than what is known changes nothing. */
export function withSeat(seats: Seats, own: OwnSeat): Seats {
  if (seats.some(({ seat, at }) => seat === own.seat && at > own.at)) return seats;
  return [...seats.filter(({ seat }) => seat !== own.seat), own].sort((one, other) => (one.seat < other.seat ? -1 : 1));
}

/**
 * With one as the answer to its taking tells it. That is its first moment, so whatever is known of it is newer,
 * though in a break all is as of the same.
 */
export function withTaken(seats: Seats, own: OwnSeat): Seats {
  return seats.some(({ seat }) => seat === own.seat) ? seats : withSeat(seats, own);
}

/** All as they were read. What came after the reading, but before it was told, stays. */
export function withSeats(seats: Seats, read: Seats): Seats {
  const since = Math.min(...read.map(({ at }) => at)); // of none: Infinity
  const listed = new Set(read.map(({ seat }) => seat));
  return read.reduce<Seats>(withSeat, seats.filter(({ seat, at }) => listed.has(seat) || at >= since));
}

function later(own: OwnSeat, shiftedMs: number): OwnSeat {
  const { team, hold_until, repay_until } = own;
  const going = team.state === "forming" || team.state === "settling";
  return {
    ...own,
    ...(going && { team: { ...team, deadline: team.deadline + shiftedMs } }),
    ...(going && hold_until != null && { hold_until: hold_until + shiftedMs }),
    ...(repay_until != null && { repay_until: repay_until + shiftedMs }),
  };
}
