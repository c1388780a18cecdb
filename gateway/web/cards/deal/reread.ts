/** Reread: something that every viewer of a room reads over HTTP again when it changed, without all asking at once. */

const LEAST_MS = 2_000;
/** Of one room after a change, however many watch; up to twice as many while changes go on. */
const READS_PER_S = 500;

/** Over how long the reads of a room with so many viewers are spread. */
export const spreadMs = (viewers: number): number => Math.max(LEAST_MS, (viewers / READS_PER_S) * 1_000);

export interface Reread {
  /** Read at a random moment within so long. A read that is due already stands: drawn anew at each change, it might not come while changes do. */
  readonly soon: (withinMs: number) => void;
  /** Read no more; an answer that is on its way is dropped. */
  readonly stop: () => void;
}

/** What fails to be read is read at the next change. */
export function reread<Answer>(ask: () => Promise<Answer>, take: (answer: Answer) => void): Reread {
  let due: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  const read = () => {
    due = undefined;
    void ask().then((answer) => { if (!stopped) take(answer); }, () => undefined);
  };
  return {
    soon: (withinMs) => { due ??= setTimeout(read, Math.random() * withinMs); },
    stop: () => {
      stopped = true;
      clearTimeout(due);
    },
  };
}
