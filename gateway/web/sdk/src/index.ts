/** Livestream SDK: a room, from a browser or from Node, without a framework. */

export { backoffMs } from "./backoff";
export { Client, type ClientEvents, connect, type ConnectOptions, freshKey, type Keyed, type Status } from "./client";
export { type Codec, json } from "./codec";
export { NotConnected, OutcomeUnknown, Refused } from "./errors";
export { ownIn } from "./draws";
export type { Unnumbered } from "./outbox";
export type { Credentials } from "./identity";
export { CLOSES, ERRORS, LIMITS } from "./protocol";
export type * from "./protocol";
export { apply, EMPTY, place, type NotEntered, type RoomState, type StaffEntry } from "./state";
