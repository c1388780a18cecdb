/** What a command's promise rejects with. */

import type { DrawReceipt, Error as ErrorReply, ErrorCode } from "./protocol";

/** The server refused the command: nothing was done, but for what `entered` says. */
export class Refused extends Error {
  readonly code: ErrorCode;
  /** The same command may succeed later, unchanged. */
  readonly temporary: boolean;
  readonly retryAfterMs: number | undefined;
  /** The comment was the password of a draw, and is an entry all the same. */
  readonly entered: DrawReceipt | undefined;
  /** The comment was the password of a draw, and this is why it is no entry either. */
  readonly notEntered: ErrorCode | undefined;
  readonly notEnteredWhy: string | undefined;

  constructor(reply: ErrorReply) {
    super(reply.text);
    this.name = "Refused";
    this.code = reply.code;
    this.temporary = reply.temporary ?? false;
    this.retryAfterMs = reply.retry_after_ms ?? undefined;
    this.entered = reply.entered ?? undefined;
    this.notEntered = reply.not_entered ?? undefined;
    this.notEnteredWhy = reply.not_entered_why ?? undefined;
  }
}

/** There was no connection to send it on, or the connection was closed for good: nothing was done. */
export class NotConnected extends Error {
  constructor(what: string) {
    super(`not connected: ${what}`);
    this.name = "NotConnected";
  }
}

/** The connection broke before the answer came, and the command carried no key with which to ask again. */
export class OutcomeUnknown extends Error {
  constructor(command: string) {
    super(`the connection broke before the answer to "${command}" came, and it has no idempotency key to ask again with`);
    this.name = "OutcomeUnknown";
  }
}
