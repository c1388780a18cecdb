// Generated from livestream/protocol by `make generate`. Change the structs there, not this file.

export type Role = "anonymous" | "viewer" | "moderator" | "host" | "operator" | "service";

export type ShowState = "scheduled" | "warm_up" | "live" | "paused" | "ended";

export type Lane = "direct" | "log" | "staff" | "live" | "gauge";

export type RateClass = "join" | "comment" | "like" | "staff" | "other";

export type ErrorCode = "invalid" | "unknown_command" | "not_joined" | "already_joined" | "room_not_found" | "token_invalid" | "token_expired" | "ticket_invalid" | "sign_in_required" | "name_required" | "forbidden" | "rate_limited" | "busy" | "unavailable" | "outcome_unknown" | "key_reused" | "comments_closed" | "no_show" | "show_open" | "illegal_transition" | "message_not_found" | "comment_not_found" | "webhook_not_found" | "webhook_target_refused" | "webhook_disabled" | "webhook_limit" | "delivery_not_found" | "internal";

/** What a host said. */
export interface HostMessage {
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  /** Display name of who said it. */
  name: string;
  text: string;
  /** Unix time in milliseconds, on the database's clock. */
  at: number;
  /** The comment it answers. Id of a comment, host message or show; sorts by time. */
  answers?: string | null;
  answered_name?: string | null;
  answered_text?: string | null;
}

/** A show of the room. */
export interface Show {
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  title: string;
  state: ShowState;
  /** Unix time in milliseconds, on the database's clock. */
  starts_at: number;
  /** When it first went live. Unix time in milliseconds, on the database's clock. */
  live_at?: number | null;
  /** Unix time in milliseconds, on the database's clock. */
  ended_at?: number | null;
}

/** Who the server takes this connection for. */
export interface Me {
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  id: string;
  role: Role;
  name?: string | null;
  /** When the token ends; come back with a new one before. Unix time in milliseconds, on the database's clock. */
  expires_at?: number | null;
}

/** What a client knows when it comes back. */
export interface Resume {
  token: string;
  /** Changes when the database was restored to an earlier point. */
  epoch: string;
  /** Position in a room's log; 0 is before the first event. */
  seq: number;
  /** Position in a room's log; 0 is before the first event. */
  staff_seq?: number;
}

/** A host message. */
export interface Said {
  t: "said";
  message: HostMessage;
}

/** A host message was pinned; null: the pin was taken away. */
export interface Pinned {
  t: "pinned";
  message?: HostMessage | null;
}

/** A show was scheduled or changed its state. */
export interface ShowChanged {
  t: "show_changed";
  show: Show;
}

/** Staff did something; the audit trail. */
export interface Acted {
  t: "acted";
  /** The shop's id of the person. */
  who: string;
  name: string;
  role: Role;
  command: string;
  /** What it did, in words. */
  what: string;
}

/** A viewer's comment. */
export interface Commented {
  t: "comment";
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  /** Stands for one viewer of one shop in public; the shop's own viewer id never leaves us. */
  by: string;
  name: string;
  text: string;
  role?: Role;
}

/** A signed-in viewer came in. */
export interface Arrived {
  t: "arrived";
  name: string;
}

/** A host answered your comment. */
export interface Answered {
  t: "answered";
  /** Id of a comment, host message or show; sorts by time. */
  comment: string;
  message: HostMessage;
}

/** One event of the room log. `seq` rises by exactly 1. */
export interface Log {
  t: "log";
  /** Position in a room's log; 0 is before the first event. */
  seq: number;
  /** Unix time in milliseconds, on the database's clock. */
  at: number;
  event: Said | Pinned | ShowChanged;
}

/** One event of the staff log. Staff only; own `seq`, rises by exactly 1. */
export interface Staff {
  t: "staff";
  /** Position in a room's log; 0 is before the first event. */
  seq: number;
  /** Unix time in milliseconds, on the database's clock. */
  at: number;
  event: Acted;
}

/** What happened in the last tick, and how many comments a flood kept off the screen. */
export interface Live {
  t: "live";
  events?: (Commented | Arrived)[];
  left_out?: number;
}

/** Latest values: `viewers`, `likes`. */
export interface Gauge {
  t: "gauge";
  values: Record<string, number>;
}

/** To you alone. Numbered a room; the same number twice is the same notice. */
export interface Notice {
  t: "notice";
  /** Position in a room's log; 0 is before the first event. */
  notice: number;
  /** Unix time in milliseconds, on the database's clock. */
  at: number;
  event: Answered;
}

/** The whole state at `seq`: forget what you knew. Sent after a join and as a reset. */
export interface Snapshot {
  t: "snapshot";
  /** Changes when the database was restored to an earlier point. */
  epoch: string;
  /** Position in a room's log; 0 is before the first event. */
  seq: number;
  /** Lower-case id of a room. */
  room: string;
  title: string;
  show?: Show | null;
  /** Newest last. */
  messages?: HostMessage[];
  pinned?: HostMessage | null;
  /** Newest last. */
  comments?: Commented[];
  values?: Record<string, number>;
  /** Position in a room's log; 0 is before the first event. */
  staff_seq?: number;
  /** Newest last; staff only. */
  staff?: Staff[];
}

/** Every few seconds: the database's clock, by which countdowns run, and the log's top. */
export interface Heartbeat {
  t: "heartbeat";
  /** Unix time in milliseconds, on the database's clock. */
  now: number;
  /** Position in a room's log; 0 is before the first event. */
  seq: number;
}

/** The server is about to close this connection: wait so long, then come back and resume. */
export interface ComeBack {
  t: "come_back";
  after_ms: number;
}

/** You are in. */
export interface Joined {
  t: "joined";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Lower-case id of a room. */
  room: string;
  /** Changes when the database was restored to an earlier point. */
  epoch: string;
  /** Unix time in milliseconds, on the database's clock. */
  now: number;
  me: Me;
  /** Send it in `resume` when you come back. */
  resume: string;
  /** True: missed events follow; false: a snapshot follows. */
  resumed?: boolean;
}

/** Done, and durable. */
export interface Ok {
  t: "ok";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** The log event it caused, if it caused one. Position in a room's log; 0 is before the first event. */
  seq?: number | null;
}

/** Something with an id was made, and is durable. */
export interface Posted {
  t: "posted";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  id: string;
  /** The log event it caused; a comment causes none. Position in a room's log; 0 is before the first event. */
  seq?: number | null;
  /** False: a comment was accepted and archived, but a flood kept it off others' screens. */
  shown?: boolean;
}

/** Refused, and nothing changed (but for `outcome_unknown`). */
export interface Error {
  t: "error";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  code: ErrorCode;
  /** For a developer's eyes, English. */
  text: string;
  temporary?: boolean;
  retry_after_ms?: number | null;
}

/**
 * Enter a room: with a token, with a one-use ticket, with a resume, or as nobody in particular.
 * The answer is `joined`, then either `snapshot` or the log events missed since `resume.seq`, all in one frame.
 */
export interface Join {
  t: "join";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Lower-case id of a room. */
  room: string;
  token?: string | null;
  ticket?: string | null;
  resume?: Resume | null;
  /** Display name of an anonymous viewer. Display name, shown to everyone. */
  name?: string | null;
}

/** Say something in public. Answered when it is archived; in a flood only a sample is shown to others. */
export interface Comment {
  t: "comment";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  text: string;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Add hearts: an app gathers taps and sends their number. */
export interface Like {
  t: "like";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  count?: number;
}

/** A host message: reaches every viewer, in order. `answers` names a comment, whose author gets a notice. */
export interface Say {
  t: "say";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  text: string;
  pin?: boolean;
  /** Id of a comment, host message or show; sorts by time. */
  answers?: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Keep one host message in everybody's view; null takes the pin away. */
export interface Pin {
  t: "pin";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Id of a comment, host message or show; sorts by time. */
  message: string | null;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Announce the room's next show. */
export interface Schedule {
  t: "schedule";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  title: string;
  /** Unix time in milliseconds, on the database's clock. */
  starts_at: number;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Move the show: scheduled → warm_up → live ⇄ paused → ended. */
export interface SetShow {
  t: "set_show";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  state: ShowState;
  /** Idempotency key: the same key and body again has one effect and the same answer, for 24 h. */
  key?: string | null;
}

/** Tell that notices up to this number were read; snapshots leave them out from then on. */
export interface Seen {
  t: "seen";
  /** Chosen by the client; the one reply carries it back. */
  ref: number;
  /** Position in a room's log; 0 is before the first event. */
  notice: number;
}

export type LogEvent = Said | Pinned | ShowChanged;

export type StaffEvent = Acted;

export type LiveEvent = Commented | Arrived;

export type NoticeEvent = Answered;

export type Push = Log | Staff | Live | Gauge | Notice | Snapshot | Heartbeat | ComeBack;

export type Reply = Joined | Ok | Posted | Error;

export type Command = Join | Comment | Like | Say | Pin | Schedule | SetShow | Seen;

/** Subprotocols of /v1/ws. */
export const CODECS = {
  json: "livestream.v1.json",
  msgpack: "livestream.v1.msgpack",
} as const;

export const ERRORS: Record<ErrorCode, { text: string; temporary: boolean }> = {
  invalid: { text: "A field is missing, of the wrong type or out of range; the text names it.", temporary: false },
  unknown_command: { text: "The server knows no command of this name.", temporary: false },
  not_joined: { text: "Send `join` first.", temporary: false },
  already_joined: { text: "A connection joins one room once; open another connection for another room.", temporary: false },
  room_not_found: { text: "No room of this id.", temporary: false },
  token_invalid: { text: "The token's signature, issuer, audience, room or role does not hold; ask the shop for a new one.", temporary: false },
  token_expired: { text: "The token is past its `exp`; ask the shop for a new one.", temporary: false },
  ticket_invalid: { text: "The ticket is unknown, used or expired; ask for a new one.", temporary: false },
  sign_in_required: { text: "Anonymous viewers may not do this here; join with a token.", temporary: false },
  name_required: { text: "Join with a display name to comment.", temporary: false },
  forbidden: { text: "Your role may not do this; the permission table says who may.", temporary: false },
  rate_limited: { text: "Too many of this kind from you; wait `retry_after_ms`.", temporary: true },
  busy: { text: "The server sheds load; wait `retry_after_ms` and send again.", temporary: true },
  unavailable: { text: "A store is away and nothing was done; wait `retry_after_ms`.", temporary: true },
  outcome_unknown: { text: "The store went away while it committed; send the same command with the same `key` to learn the outcome.", temporary: true },
  key_reused: { text: "This idempotency key was used with another body; make a new key.", temporary: false },
  comments_closed: { text: "No comments now: the show is not warming up, live or paused.", temporary: false },
  no_show: { text: "The room has no show to change; schedule one.", temporary: false },
  show_open: { text: "The room's present show has not ended; end it first.", temporary: false },
  illegal_transition: { text: "The show cannot go from its present state to that one.", temporary: false },
  message_not_found: { text: "No host message of this id in this room.", temporary: false },
  comment_not_found: { text: "No comment of this id in this room.", temporary: false },
  webhook_not_found: { text: "The shop has no webhook endpoint of this id.", temporary: false },
  webhook_target_refused: { text: "Webhooks may not go to this URL; the text says why.", temporary: false },
  webhook_disabled: { text: "The webhook endpoint is disabled; enable it first.", temporary: false },
  webhook_limit: { text: "The shop has as many webhook endpoints as it may; remove one.", temporary: false },
  delivery_not_found: { text: "The shop has no webhook delivery of this id, or no longer.", temporary: false },
  internal: { text: "Our fault; it is logged under the request's ref.", temporary: true },
};

/** Why the server closed, and what a client does then. */
export const CLOSES: Record<number, { name: string; text: string; reconnect: boolean; fresh_token: boolean }> = {
  1001: { name: "going_away", text: "The process stops at once.", reconnect: true, fresh_token: false },
  1002: { name: "protocol_error", text: "The peer broke RFC 6455.", reconnect: false, fresh_token: false },
  1007: { name: "bad_utf8", text: "A text frame was not UTF-8.", reconnect: false, fresh_token: false },
  1009: { name: "too_big", text: "A message, a fragment or an inflated message is over the limit, or in too many fragments.", reconnect: false, fresh_token: false },
  4000: { name: "drain", text: "The process is being replaced; come back and resume.", reconnect: true, fresh_token: false },
  4001: { name: "slow", text: "You read too slowly and your buffer is full; come back and resume.", reconnect: true, fresh_token: false },
  4002: { name: "rebalance", text: "This process has more than its share; come back and resume.", reconnect: true, fresh_token: false },
  4003: { name: "pong_timeout", text: "No sign of life after a ping; come back and resume.", reconnect: true, fresh_token: false },
  4004: { name: "try_later", text: "The server sheds load; come back later.", reconnect: true, fresh_token: false },
  4100: { name: "token_expired", text: "Your token expired; come back with a new one.", reconnect: true, fresh_token: true },
  4200: { name: "bad_frame", text: "The frame is not a list of commands in the negotiated codec.", reconnect: false, fresh_token: false },
  4201: { name: "join_timeout", text: "No join in time.", reconnect: false, fresh_token: false },
  4202: { name: "flood", text: "You went on sending after many refusals, or flooded control frames.", reconnect: false, fresh_token: false },
  4203: { name: "replaced", text: "You opened more connections than one viewer may have; the oldest goes.", reconnect: false, fresh_token: false },
};

export const LIMITS = {
  /** in; a join with a 2 KiB token fits, a pasted novel does not */
  VIEWER_FRAME_BYTES: 4096,
  /** in; raised after a staff join */
  STAFF_FRAME_BYTES: 65536,
  /** a message may come in so many; a million one-byte fragments are an attack */
  FRAGMENTS: 64,
  /** commands in one frame */
  MESSAGES_PER_FRAME: 64,
  /** cap; a room may set less (default 200) [Amazon IVS: 500] */
  COMMENT_CHARS: 500,
  HOST_MESSAGE_CHARS: 2000,
  NAME_CHARS: 40,
  TITLE_CHARS: 200,
  /** idempotency key */
  KEY_CHARS: 64,
  TOKEN_CHARS: 3000,
  /** an app gathers taps and sends their number */
  LIKES_PER_COMMAND: 50,
  /** newest host messages a snapshot carries */
  SNAPSHOT_MESSAGES: 50,
  /** newest shown comments a snapshot carries */
  SNAPSHOT_COMMENTS: 50,
  /** newest unseen notices of the viewer who joins */
  SNAPSHOT_NOTICES: 20,
} as const;

/** So many commands of a class at once, then so many a second: the defaults, which a deployment may change. */
export const RATES: Record<RateClass, { burst: number; per_s: number }> = {
  join: { burst: 5, per_s: 0.5 },
  comment: { burst: 20, per_s: 0.6667 },
  like: { burst: 20, per_s: 5 },
  staff: { burst: 50, per_s: 20 },
  other: { burst: 20, per_s: 5 },
};
