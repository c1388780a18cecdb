/**
 * RoomState: what a viewer knows of a room. Pure: a snapshot and the pushes
 * after it, applied one by one, equal a fresh snapshot.
 *
 * Everything that changes a room's state on this side lives in this file.
 */

import type { Acted, Commented, HostMessage, Live, Log, LogEvent, Notice, Push, Show, Snapshot, Staff } from "./protocol";

/** What is kept of what only grows; a page shows no more than this. */
export const KEEP = { messages: 50, comments: 200, staff: 50, notices: 20 } as const;

export interface StaffEntry {
  readonly seq: number;
  readonly at: number;
  readonly event: Acted;
}

export interface RoomState {
  readonly epoch: string;
  readonly seq: number;
  readonly staffSeq: number;
  readonly title: string;
  readonly show: Show | null;
  readonly pinned: HostMessage | null;
  /** Newest last. */
  readonly messages: readonly HostMessage[];
  readonly comments: readonly Commented[];
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
  pinned: null,
  messages: [],
  comments: [],
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
    case "notice":
      return applyNotice(state, push);
    default:
      return state;
  }
}

function fromSnapshot(state: RoomState, snapshot: Snapshot): RoomState {
  return {
    epoch: snapshot.epoch,
    seq: snapshot.seq,
    staffSeq: snapshot.staff_seq ?? 0,
    title: snapshot.title,
    show: snapshot.show ?? null,
    pinned: snapshot.pinned ?? null,
    messages: snapshot.messages ?? [],
    comments: snapshot.comments ?? [],
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
    case "pinned":
      return { ...state, pinned: event.message ?? null };
    case "show_changed":
      return { ...state, show: event.show };
    default:
      return state;
  }
}

function applyStaff(state: RoomState, push: Staff): RoomState {
  return { ...state, staffSeq: push.seq, staff: append(state.staff, [entry(push)], KEEP.staff) };
}

function entry(push: Staff): StaffEntry {
  return { seq: push.seq, at: push.at, event: push.event };
}

function applyLive(state: RoomState, push: Live): RoomState {
  const comments = (push.events ?? []).filter((event): event is Commented => event.t === "comment");
  const leftOut = push.left_out ?? 0;
  return { ...addComments(state, comments), commentsLeftOut: state.commentsLeftOut + leftOut };
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
  return { ...state, notices: append(state.notices, [push], KEEP.notices) };
}

/** Notices up to this number were read: forget them, also if they come again. */
export function seen(state: RoomState, upTo: number): RoomState {
  return { ...state, noticesSeen: Math.max(state.noticesSeen, upTo), notices: state.notices.filter((notice) => notice.notice > upTo) };
}

function append<Item>(items: readonly Item[], more: readonly Item[], most: number): readonly Item[] {
  return more.length === 0 ? items : [...items, ...more].slice(-most);
}
