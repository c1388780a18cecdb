/**
 * Backoff: when to come back after a connection broke. Pure.
 *
 * Full jitter: a uniformly random wait below a ceiling that doubles. Ten
 * thousand viewers cut at the same instant come back evenly spread.
 */

const FIRST_CEILING_MS = 500;
const LAST_CEILING_MS = 15_000;

/** Milliseconds to wait before attempt `attempt` (0 is the first). `random` is in [0, 1). */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(LAST_CEILING_MS, FIRST_CEILING_MS * 2 ** Math.min(attempt, 16));
  return Math.round(ceiling * random);
}
