/** Notices: what the room tells this viewer alone. Shown until the viewer says that it was read. */

import type { Notice } from "@sdk";
import { useEffect } from "preact/hooks";
import { timeOfDay } from "../shared/format";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";
import type { Card, CardProps } from "./registry";

function ForViewer({ client, state }: CardProps) {
  const [notice] = state.notices;
  const read = () => notice && client.seen(notice.notice).catch(() => undefined); // comes again with the next join
  useEffect(() => {
    if (notice && ELSEWHERE.includes(notice.event.t)) void read();
  }, [notice?.notice]);
  useEffect(() => {
    const escape = ({ key }: KeyboardEvent) => void (key === "Escape" && read());
    addEventListener("keydown", escape);
    return () => removeEventListener("keydown", escape);
  }, [notice?.notice]);
  if (!notice) return null;
  const told = text(notice);
  if (!told) return null;
  return (
    <div class="card notice" role="status">
      <div>
        <p class="card-title">{told.title}</p>
        {told.quote && <p class="quote">{strings.notice.youAsked} “<Words>{told.quote}</Words>”</p>}
        {told.text && <p class="card-text"><Words>{told.text}</Words></p>}
      </div>
      <button type="button" class="quiet" onClick={read}>{strings.notice.seen}</button>
    </div>
  );
}

/** Told by a card that stays: what one has won. */
const ELSEWHERE: readonly string[] = ["you_won", "your_prize_claimed"];

interface Told {
  readonly title: string;
  readonly quote?: string | null | undefined;
  readonly text?: string | null | undefined;
}

function text({ event }: Notice): Told | null {
  switch (event.t) {
    case "answered":
      return { title: strings.notice.answered(event.message.name), quote: event.message.answered_text, text: event.message.text };
    case "you_were_muted":
      return { title: event.until == null ? strings.notice.mutedForEver : strings.notice.muted(timeOfDay(event.until)), text: event.why };
    case "you_may_talk":
      return { title: strings.notice.mayTalk };
    case "your_comment":
      return { title: event.shown ? strings.notice.commentShown : strings.notice.commentHidden };
    case "your_prize_went_on":
      return { title: strings.notice.wentOn[event.why ?? "unclaimed"](event.prize_title), text: event.title };
    case "you_bought":
      return { title: strings.notice.bought };
    default:
      return null; // of a newer server
  }
}

export default { id: "notices", order: 0, viewer: ForViewer } satisfies Card;
