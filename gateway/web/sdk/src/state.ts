/**
 * RoomState: what a viewer knows of a room. Pure: a snapshot and the pushes
 * after it, applied one by one, equal a fresh snapshot.
 *
 * Everything that changes a room's state on this side lives in this file.
 */

import * as draws from "./draws";
import { evolveDraws } from "./draws";
import type {
  Break, Chat, Clock, Commented, Deal, DealClosed, Draw, DrawReceipt, Echoed, ErrorCode, Freezing, HostMessage, Live, Log, LogEvent, Notice, OwnDraw, OwnSeat, Policy,
  Product, Push, Show, Snapshot, Staff,
  StaffEvent, StaffView,
} from "./protocol";
import { caughtUp, withSeat, withSeats, withTaken } from "./seats";

/** What is kept of what only grows; a page shows no more than this. */
export const KEEP = { messages: 50, comments: 200, deleted: 200, held: 200, reports: 100, staff: 50, notices: 20, deals: 10, breaks: 10 } as const;

export interface NotEntered {
  readonly draw: string;
  readonly code: ErrorCode;
  /** English: what the rules ask for first. */
  readonly why: string | null;
}

export interface StaffEntry {
  readonly seq: number;
  readonly at: number;
  readonly event: StaffEvent;
}

export interface RoomState {
  readonly epoch: string;
  readonly seq: number;
  readonly staffSeq: number;
  readonly title: string;
  readonly show: Show | null;
  /** Name of the host who presents. */
  readonly presenter: string | null;
  readonly videoDelayMs: number;
  /** Nothing here is for real. */
  readonly rehearsal: boolean;
  /** The rules of talking. */
  readonly chat: Chat;
  /** A technical break is on. */
  readonly freezing: Freezing | null;
  /** The last ones that are over, newest last. */
  readonly breaks: readonly Break[];
  readonly countdown: Clock | null;
  readonly featured: Product | null;
  readonly pinned: HostMessage | null;
  /** The one that was opened last, then those in the queue. */
  readonly draws: readonly Draw[];
  /** Where this viewer stands in draws, in order of id: those they entered last, and all in which they have a prize. */
  readonly ownDraws: readonly OwnDraw[];
  /** A password that this viewer wrote was no entry, and why; until they get in, or another draw opens. */
  readonly notEntered: NotEntered | null;
  /** Group buys, newest last. */
  readonly deals: readonly Deal[];
  /** This viewer's seats in group buys, newest last. */
  readonly seats: readonly OwnSeat[];
  /** The newest notice about one of them: taken in, it need not come again. */
  readonly seatNotice: number;
  /** Newest last. */
  readonly messages: readonly HostMessage[];
  readonly comments: readonly Commented[];
  /** Comments deleted last; they may still be under way. */
  readonly deleted: readonly string[];
  /** How many have said the same as a comment. */
  readonly echoes: Readonly<Record<string, number>>;
  /** Own comments that others do not see: they wait for staff, or a flood left them out. */
  readonly unseen: Readonly<Record<string, "held" | "left_out">>;
  /** What staff know beside; null for viewers. */
  readonly desk: Required<StaffView> | null;
  readonly staff: readonly StaffEntry[];
  /** Unseen by this viewer, oldest first. */
  readonly notices: readonly Notice[];
  readonly noticesSeen: number;
  /** Latest values: `viewers`, `likes`. */
  readonly values: Readonly<Record<string, number>>;
  /** Comments shown, and comments a flood kept off the screen, since this state began. */
  readonly commentsReceived: number;
  readonly commentsLeftOut: number;
}

export const EMPTY: RoomState = {
  epoch: "",
  seq: 0,
  staffSeq: 0,
  title: "",
  show: null,
  presenter: null,
  videoDelayMs: 0,
  rehearsal: false,
  chat: {},
  freezing: null,
  breaks: [],
  countdown: null,
  featured: null,
  pinned: null,
  draws: [],
  ownDraws: [],
  notEntered: null,
  deals: [],
  seats: [],
  seatNotice: 0,
  messages: [],
  comments: [],
  deleted: [],
  echoes: {},
  unseen: {},
  desk: null,
  staff: [],
  notices: [],
  noticesSeen: 0,
  values: {},
  commentsReceived: 0,
  commentsLeftOut: 0,
};

/** Where a push stands: to be applied, known already, or with something missing before it. */
export function place(state: RoomState, push: Push): "next" | "old" | "gap" {
  switch (push.t) {
    case "log":
      return after(state.seq, push.seq);
    case "staff":
      return after(state.staffSeq, push.seq);
    case "heartbeat":
      return push.seq > state.seq ? "gap" : "next"; // the log goes before the heartbeat, always
    default:
      return "next";
  }
}

function after(top: number, seq: number): "next" | "old" | "gap" {
  if (seq <= top) return "old";
  return seq === top + 1 ? "next" : "gap";
}

/** Apply one push that stands "next". Unknown pushes and events, of a newer server, change nothing but the seq. */
export function apply(state: RoomState, push: Push): RoomState {
  switch (push.t) {
    case "snapshot":
      return fromSnapshot(state, push);
    case "log":
      return applyLog(state, push);
    case "staff":
      return applyStaff(state, push);
    case "live":
      return applyLive(state, push);
    case "gauge":
      return { ...state, values: { ...state.values, ...push.values } };
    case "own_draws":
      return { ...state, ownDraws: push.draws ?? [], values: { ...state.values, draw_entries: push.entries ?? 0 } };
    case "notice":
      return push.event.t === "your_team" ? toldOfSeat(state, push.event.own, push.notice) : applyNotice(state, push);
    case "own_seats":
      return { ...state, seats: withSeats(state.seats, push.seats.map((own) => caughtUp(own, state.breaks))) };
    case "your_seat":
      return taken(state, push.own);
    default:
      return state;
  }
}

function fromSnapshot(state: RoomState, snapshot: Snapshot): RoomState {
  const breaks = snapshot.breaks ?? [];
  const missed = breaks.filter(({ at }) => !state.breaks.some((known) => known.at === at));
  return {
    epoch: snapshot.epoch,
    seq: snapshot.seq,
    staffSeq: snapshot.staff_seq ?? 0,
    title: snapshot.title,
    show: snapshot.show ?? null,
    presenter: snapshot.presenter ?? null,
    videoDelayMs: snapshot.video_delay_ms ?? 0,
    rehearsal: snapshot.rehearsal ?? false,
    chat: snapshot.chat ?? {},
    freezing: snapshot.freezing ?? null,
    breaks,
    countdown: snapshot.countdown ?? null,
    featured: snapshot.featured ?? null,
    pinned: snapshot.pinned ?? null,
    draws: snapshot.draws ?? [],
    ownDraws: state.ownDraws,
    notEntered: state.notEntered,
    deals: snapshot.deals ?? [],
    seats: state.seats.map((own) => caughtUp(own, missed)),
    seatNotice: state.seatNotice,
    messages: snapshot.messages ?? [],
    comments: snapshot.comments ?? [],
    deleted: snapshot.deleted ?? [],
    echoes: {},
    unseen: {},
    desk: snapshot.desk ? { held: [], reports: [], sanctions: [], refunds: [], ...snapshot.desk } : null,
    staff: (snapshot.staff ?? []).map(entry),
    notices: [], // those unseen follow the snapshot
    noticesSeen: state.noticesSeen,
    values: snapshot.values ?? {},
    commentsReceived: state.commentsReceived,
    commentsLeftOut: state.commentsLeftOut,
  };
}

function applyLog(state: RoomState, push: Log): RoomState {
  return { ...evolve(state, push.event), seq: push.seq };
}

function evolve(state: RoomState, event: LogEvent): RoomState {
  switch (event.t) {
    case "said":
      return { ...state, messages: append(state.messages, [event.message], KEEP.messages) };
    case "retracted":
      return {
        ...state,
        messages: state.messages.map((message) => (message.id === event.message ? blank(message) : message)),
        pinned: state.pinned?.id === event.message ? null : state.pinned,
      };
    case "unretracted":
      return { ...state, messages: state.messages.map((message) => (message.id === event.message.id ? event.message : message)) };
    case "pinned":
      return { ...state, pinned: event.message ?? null };
    case "show_changed":
      return { ...state, show: event.show };
    case "deleted":
      return withoutComments(state, event.comments);
    case "restored":
      return withComments(state, event.comments);
    case "chat_changed":
      return { ...state, chat: event.chat };
    case "room_changed":
      return { ...state, title: event.title, videoDelayMs: event.video_delay_ms ?? 0 };
    case "frozen":
      return { ...state, freezing: event.freezing };
    case "unfrozen": {
      const over: Break = { at: event.at, shifted_ms: event.shifted_ms };
      return {
        ...state,
        freezing: null,
        breaks: append(state.breaks, [over], KEEP.breaks),
        countdown: state.countdown && { ...state.countdown, ends_at: state.countdown.ends_at + event.shifted_ms },
        draws: evolveDraws(state.draws, event),
        deals: state.deals.map((deal) => later(deal, event.shifted_ms)),
        seats: state.seats.map((own) => caughtUp(own, [over])),
      };
    }
    case "countdown_started":
      return { ...state, countdown: event.clock };
    case "countdown_ended":
      return state.countdown?.id === event.id ? { ...state, countdown: null } : state;
    case "featured":
      return { ...state, featured: event.product ?? null };
    case "deal_opened":
      return { ...state, deals: fitting([...state.deals.filter((deal) => deal.id !== event.deal.id), event.deal]) };
    case "deal_changed":
      return { ...state, deals: state.deals.map((deal) => (deal.id === event.deal.id ? event.deal : deal)) };
    case "deal_closed":
      return { ...state, deals: state.deals.map((deal) => (deal.id === event.id ? ended(deal, event) : deal)) };
    case "presented":
      return { ...state, presenter: event.name };
    default:
      if (!event.t.startsWith("draw_")) return state;
      return { ...state, draws: evolveDraws(state.draws, event), notEntered: event.t === "draw_opened" ? null : state.notEntered };
  }
}

/** We are in a draw. */
export function entered(state: RoomState, receipt: DrawReceipt): RoomState {
  const title = state.draws.find((draw) => draw.id === receipt.draw_id)?.title ?? "";
  return { ...state, ownDraws: draws.entered(state.ownDraws, receipt, title), notEntered: null };
}

/** The password was written, and we are not in. */
export function refusedEntry(state: RoomState, code: ErrorCode, why: string | null): RoomState {
  const open = state.draws.find((draw) => draw.state === "open");
  return open ? { ...state, notEntered: { draw: open.id, code, why } } : state;
}

const running = ({ state }: Deal) => state === "open" || state === "paused";

/** Deals that ended go first, the oldest before all; more can never run than are kept. */
function fitting(deals: readonly Deal[]): readonly Deal[] {
  const gone = deals.filter((deal) => !running(deal)).slice(0, Math.max(0, deals.length - KEEP.deals));
  return deals.filter((deal) => !gone.includes(deal));
}

function later(deal: Deal, shiftedMs: number): Deal {
  return deal.closes_at == null || !running(deal) ? deal : { ...deal, closes_at: deal.closes_at + shiftedMs };
}

function ended(deal: Deal, { voided, why }: DealClosed): Deal {
  const { why: _why, ...rest } = deal;
  return { ...rest, state: voided ? "voided" : "closed", ...(why == null ? {} : { why }) };
}

function toldOfSeat(state: RoomState, own: OwnSeat, notice: number): RoomState {
  return { ...state, seats: withSeat(state.seats, caughtUp(own, state.breaks)), seatNotice: Math.max(state.seatNotice, notice) };
}

/** We took a seat, here or on another screen. */
export function taken(state: RoomState, own: OwnSeat): RoomState {
  return { ...state, seats: withTaken(state.seats, caughtUp(own, state.breaks)) };
}

/** What is left of a retracted message: its place. */
function blank({ id, name, at }: HostMessage): HostMessage {
  return { id, name, text: "", at, retracted: true };
}

function unquote(message: HostMessage, gone: readonly string[]): HostMessage {
  if (message.answers == null || !gone.includes(message.answers)) return message;
  const { answered_name: _name, answered_text: _text, ...rest } = message;
  return rest;
}

function withoutComments(state: RoomState, gone: readonly string[]): RoomState {
  return {
    ...state,
    comments: state.comments.filter((comment) => !gone.includes(comment.id)),
    deleted: [...new Set([...state.deleted, ...gone])].sort().slice(-KEEP.deleted),
    messages: state.messages.map((message) => unquote(message, gone)),
    pinned: state.pinned && unquote(state.pinned, gone),
  };
}

function withComments(state: RoomState, back: readonly Commented[]): RoomState {
  const ids = new Set(back.map((comment) => comment.id));
  const others = state.comments.filter((comment) => !ids.has(comment.id));
  return {
    ...state,
    deleted: state.deleted.filter((id) => !ids.has(id)),
    unseen: Object.fromEntries(Object.entries(state.unseen).filter(([id]) => !ids.has(id))),
    comments: [...others, ...back].sort((one, other) => (one.id < other.id ? -1 : 1)).slice(-KEEP.comments),
  };
}

function applyStaff(state: RoomState, push: Staff): RoomState {
  return {
    ...state,
    staffSeq: push.seq,
    staff: append(state.staff, [entry(push)], KEEP.staff),
    desk: evolveDesk(state.desk ?? { policy: { chat: {} }, held: [], reports: [], sanctions: [], refunds: [] }, push.event),
  };
}

function evolveDesk(desk: Required<StaffView>, event: StaffEvent): Required<StaffView> {
  switch (event.t) {
    case "held": {
      const fresh = event.comments.map((comment) => comment.id);
      const others = desk.held.filter((comment) => !fresh.includes(comment.id));
      return { ...desk, held: sorted([...others, ...event.comments], (each) => each.id).slice(-KEEP.held) };
    }
    case "ruled":
      return {
        ...desk,
        held: desk.held.filter((comment) => !event.comments.includes(comment.id)),
        reports: desk.reports.filter(({ comment }) => !event.comments.includes(comment.id)),
      };
    case "reported": {
      const others = desk.reports.filter(({ comment }) => comment.id !== event.comment.id);
      return { ...desk, reports: sorted([...others, event], (each) => each.comment.id).slice(-KEEP.reports) };
    }
    case "sanctioned": {
      const { who, kind } = event.sanction;
      return { ...desk, sanctions: [...desk.sanctions.filter((each) => each.who !== who || each.kind !== kind), event.sanction] };
    }
    case "lifted":
      return { ...desk, sanctions: desk.sanctions.filter((each) => each.who !== event.who || each.kind !== event.kind) };
    case "policy_changed":
      return { ...desk, policy: event.policy as Policy };
    case "refund_changed": {
      const others = desk.refunds.filter((refund) => refund.id !== event.refund.id);
      return { ...desk, refunds: event.refund.state === "asked" ? [...others, event.refund] : others };
    }
    default:
      return desk;
  }
}

function sorted<Item>(items: readonly Item[], key: (item: Item) => string): Item[] {
  return [...items].sort((one, other) => (key(one) < key(other) ? -1 : 1));
}

function entry(push: Staff): StaffEntry {
  return { seq: push.seq, at: push.at, event: push.event };
}

function applyLive(state: RoomState, push: Live): RoomState {
  const events = push.events ?? [];
  const comments = events.filter((event): event is Commented => event.t === "comment" && !state.deleted.includes(event.id));
  const echoed = events.filter((event): event is Echoed => event.t === "echoed");
  const leftOut = push.left_out ?? 0;
  const next = { ...addComments(state, comments), commentsLeftOut: state.commentsLeftOut + leftOut };
  if (echoed.length === 0) return next;
  const echoes = { ...state.echoes, ...Object.fromEntries(echoed.map(({ comment, times }) => [comment, times])) };
  const onScreen = new Set(next.comments.map((comment) => comment.id));
  return { ...next, echoes: Object.fromEntries(Object.entries(echoes).filter(([id]) => onScreen.has(id))) };
}

/** Remember why others do not see an own comment. */
export function hideFromOthers(state: RoomState, id: string, why: "held" | "left_out"): RoomState {
  return { ...state, unseen: { ...state.unseen, [id]: why } };
}

/** Add comments that are not there yet: an own one may come twice, with the reply and over the live lane. */
export function addComments(state: RoomState, comments: readonly Commented[]): RoomState {
  if (comments.length === 0) return state;
  const known = new Set(state.comments.slice(-KEEP.comments).map((comment) => comment.id));
  const fresh = comments.filter((comment) => !known.has(comment.id));
  return {
    ...state,
    comments: append(state.comments, fresh, KEEP.comments),
    commentsReceived: state.commentsReceived + fresh.length,
  };
}

function applyNotice(state: RoomState, push: Notice): RoomState {
  if (push.notice <= state.noticesSeen || state.notices.some((notice) => notice.notice === push.notice)) return state;
  return { ...state, notices: append(state.notices, [push], KEEP.notices), ownDraws: draws.noticed(state.ownDraws, push.event) };
}

/** Notices up to this number were read: forget them, also if they come again. */
export function seen(state: RoomState, upTo: number): RoomState {
  return { ...state, noticesSeen: Math.max(state.noticesSeen, upTo), notices: state.notices.filter((notice) => notice.notice > upTo) };
}

function append<Item>(items: readonly Item[], more: readonly Item[], most: number): readonly Item[] {
  return more.length === 0 ? items : [...items, ...more].slice(-most);
}
