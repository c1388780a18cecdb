/** Notices: what the room tells this viewer alone. Shown until the viewer says that it was read. */

import { useEffect } from "preact/hooks";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";
import type { Card, CardProps } from "./registry";

function ForViewer({ client, state }: CardProps) {
  const [notice] = state.notices;
  const read = () => notice && client.seen(notice.notice).catch(() => undefined); // comes again with the next join
  useEffect(() => {
    const escape = ({ key }: KeyboardEvent) => void (key === "Escape" && read());
    addEventListener("keydown", escape);
    return () => removeEventListener("keydown", escape);
  }, [notice?.notice]);
  if (!notice || notice.event.t !== "answered") return null;
  const { message } = notice.event;
  return (
    <div class="card notice" role="status">
      <div>
        <p class="card-title">{strings.notice.answered(message.name)}</p>
        {message.answered_text && <p class="quote">{strings.notice.youAsked} “<Words>{message.answered_text}</Words>”</p>}
        <p class="card-text"><Words>{message.text}</Words></p>
      </div>
      <button type="button" class="quiet" onClick={read}>{strings.notice.seen}</button>
    </div>
  );
}

export default { id: "notices", order: 0, viewer: ForViewer } satisfies Card;
