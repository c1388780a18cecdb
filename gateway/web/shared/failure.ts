/** Failure: what a refused command means for the person who gave it, in words that say what to do. */

import { OutcomeUnknown, Refused } from "@sdk";
import { strings } from "./strings";

export interface Failure {
  readonly text: string;
  /** Nothing more may be sent before this, in Unix ms of the device. */
  readonly until?: number;
}

export function failure(error: unknown): Failure {
  if (error instanceof Error && "told" in error) return { text: String(error.told) };
  if (error instanceof OutcomeUnknown) return { text: strings.lineBroke };
  if (!(error instanceof Refused)) return { text: strings.errorDefault };
  if (error.code === "rate_limited" || error.code === "slow_mode") {
    const waitMs = error.retryAfterMs ?? 1000;
    return { text: strings.rateLimited(waitMs), until: Date.now() + waitMs };
  }
  return { text: strings.errors[error.code] ?? strings.errorDefault };
}
