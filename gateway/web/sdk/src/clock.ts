/**
 * ServerClock: the database's time, by which every countdown runs. Pure.
 *
 * A reading is late by its time on the wire, never early. So of readings that
 * agree roughly, the one that is furthest ahead is the best; one that differs a
 * lot means that the device's own clock was set.
 */

const SET_MS = 2_000;

export class ServerClock {
  private offsetMs = 0;
  private known = false;

  /** Take a reading: `serverMs` arrived when the device's clock showed `localMs`. */
  read(serverMs: number, localMs: number): void {
    const offset = serverMs - localMs;
    if (!this.known || offset > this.offsetMs || this.offsetMs - offset > SET_MS) this.offsetMs = offset;
    this.known = true;
  }

  /** The server's time when the device's clock shows `localMs`. */
  now(localMs: number): number {
    return localMs + this.offsetMs;
  }
}
