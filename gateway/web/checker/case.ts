/** Case: a draw that is being checked, and what its steps share. */

import { unhex } from "./bytes";
import type { Closing, Drawing, Placed, Proof, Receipt, Witness } from "./document";
import { Pace } from "./pace";
import { Failed, NotCovered } from "./steps";

/** What a viewer may have besides the proof. */
export interface Mine {
  readonly receipt?: Receipt | undefined;
  /** Of the receipt's entry. */
  readonly inclusion?: Placed | undefined;
  readonly witness?: Witness | undefined;
}

export const fail = (why: string): never => {
  throw new Failed(why);
};
export const unless = (holds: boolean, why: string) => holds || fail(why);

export class Case {
  readonly pace = new Pace();
  /** Winners and reserves as the seed has them, once they were computed. */
  drawn: readonly string[] | undefined;

  constructor(
    readonly proof: Proof,
    readonly mine: Mine,
  ) {}

  get drawId(): Uint8Array {
    return unhex(this.proof.draw_id);
  }

  get closing(): Closing {
    if (this.proof.closing === null) throw new NotCovered("the draw was cancelled before it closed");
    return this.proof.closing;
  }

  get root(): string {
    if (this.closing.root === null) throw new NotCovered("no root ever came out, and the draw is void");
    return this.closing.root;
  }

  get drawing(): Drawing {
    if (this.proof.drawing === null) throw new NotCovered(`the draw is ${this.proof.outcome}: nothing was drawn`);
    return this.proof.drawing;
  }

  get latestCloseMs(): number {
    return this.proof.rules.latest_close_ms + this.closing.frozen_ms;
  }
}
