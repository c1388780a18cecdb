/** Pace: long work in slices, so that the page stays alive meanwhile. */

const SLICE_MS = 12; // a frame at 60 Hz has 16

export class Pace {
  private since = performance.now();

  /** Is it time for `breathe`? Cheap enough to ask at every turn of a loop that does a hash. */
  get due(): boolean {
    return performance.now() - this.since > SLICE_MS;
  }

  /** Let the page do what waits. A message comes back at once; a timer of 0 would take 4 ms each time. */
  async breathe(): Promise<void> {
    await new Promise<void>((resume) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resume();
      };
      port2.postMessage(null);
    });
    this.since = performance.now();
  }
}
