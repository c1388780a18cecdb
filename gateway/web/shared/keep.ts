/** Small things that a browser keeps for us. A browser that refuses storage keeps nothing, and all else works. */

const NAME = "livestream.name";

export function keptName(): string | undefined {
  return read(() => localStorage.getItem(NAME));
}

export function keepName(name: string): void {
  write(() => localStorage.setItem(NAME, name));
}

const resumeKey = (room: string) => `livestream.resume.${room}`;

/** With it a reloaded page is the same viewer as before. */
export function keptResume(room: string): string | undefined {
  return read(() => sessionStorage.getItem(resumeKey(room)));
}

export function keepResume(room: string, token: string): void {
  write(() => sessionStorage.setItem(resumeKey(room), token));
}

const PAYING = "livestream.paying";
/** So long after the way to the checkout a payment may still be under way to us. */
const UNDER_WAY_MS = 10 * 60_000;

/** This tab goes to the checkout of a seat. */
export function keepPaying(seat: string): void {
  write(() => sessionStorage.setItem(PAYING, `${seat} ${Date.now()}`));
}

/** Did this tab come back from the checkout of this seat? */
export function paidLately(seat: string): boolean {
  const [kept, at] = (read(() => sessionStorage.getItem(PAYING)) ?? "").split(" ");
  return kept === seat && Date.now() - Number(at) < UNDER_WAY_MS;
}

function read(from: () => string | null): string | undefined {
  try {
    return from() ?? undefined;
  } catch {
    return undefined;
  }
}

function write(to: () => void): void {
  try {
    to();
  } catch {
    // private mode, or full
  }
}
