/**
 * Identity: what a join says about who we are, best proof first.
 *
 * The newest resume token spares the server a signature check, and
 * keeps an anonymous viewer the same person. A shop's token or a one-use ticket
 * comes before it in time, never after.
 */

import type { Join, Resume } from "./protocol";
import type { RoomState } from "./state";

export interface Credentials {
  readonly token?: string | undefined;
  /** Asked again whenever the token has expired. */
  readonly getToken?: (() => string | Promise<string>) | undefined;
  readonly ticket?: string | undefined;
  /** A resume token kept from an earlier page of the same person. */
  readonly resume?: string | undefined;
  /** Display name of an anonymous viewer. */
  readonly name?: string | undefined;
}

/** Stands where a resume token is asked for and we have none: the server falls back to the shop's token, and still resumes by seq. */
const NO_RESUME_TOKEN = "-";

export class Identity {
  private token: string | undefined;
  private ticket: string | undefined;
  private resume: string | undefined;
  private name: string | undefined;
  private readonly getToken: Credentials["getToken"];

  constructor(credentials: Credentials) {
    this.token = credentials.token;
    this.ticket = credentials.ticket;
    this.resume = credentials.resume;
    this.name = credentials.name;
    this.getToken = credentials.getToken;
  }

  /** What to join with now. Throws what `getToken` throws. */
  async proof(state: RoomState): Promise<Pick<Join, "token" | "ticket" | "resume" | "name">> {
    if (this.token === undefined && this.resume === undefined && this.getToken) this.token = await this.getToken();
    const resume = this.resumeAt(state);
    return {
      ...(resume && { resume }),
      ...(this.token !== undefined && { token: this.token }),
      ...(this.ticket !== undefined && !resume && { ticket: this.ticket }),
      ...(this.name !== undefined && { name: this.name }),
    };
  }

  private resumeAt(state: RoomState): Resume | undefined {
    const token = this.resume ?? (this.token !== undefined && state.epoch ? NO_RESUME_TOKEN : undefined);
    if (token === undefined) return undefined;
    return { token, epoch: state.epoch, seq: state.seq, staff_seq: state.staffSeq };
  }

  /** In, as ourselves: from now on this resume token will do, and the ticket is used up. */
  joined(resume: string): void {
    this.resume = resume;
    this.ticket = undefined;
  }

  /** A newer one, which every ping brings: it says until when we were here. After a change of name it is somebody else's. */
  renewed(resume: string): void {
    if (this.resume !== undefined) this.resume = resume;
  }

  get resumeToken(): string | undefined {
    return this.resume;
  }

  /** The server does not take the resume token: is there another way in? An anonymous viewer comes back as somebody new. */
  dropResume(): boolean {
    if (this.resume === undefined) return false;
    this.resume = undefined;
    return true;
  }

  /** The shop's token has expired: can a new one be had? */
  dropToken(): boolean {
    this.resume = undefined;
    this.token = undefined;
    return this.getToken !== undefined;
  }

  /** Be called this from now on; an anonymous viewer becomes a new person with it. */
  rename(name: string): void {
    this.name = name;
    this.resume = undefined;
  }
}
