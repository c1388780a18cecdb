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
