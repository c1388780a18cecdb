/** Comments as the host sees them: newest first, each with a way to answer. Still while the pointer is on them. */

import type { Client, Commented, RoomState } from "@sdk";
import { memo } from "preact/compat";
import { useState } from "preact/hooks";
import { Reply } from "../shared/icons";
import { CommentRow } from "../shared/rows";
import { strings } from "../shared/strings";

const words = strings.hostPage;

interface Props {
  readonly client: Client;
  readonly state: RoomState;
  readonly onAnswer: (comment: Commented) => void;
}

export function Comments({ client, state, onAnswer }: Props) {
  const [held, setHeld] = useState<readonly Commented[] | null>(null);
  const shown = held ?? state.comments;
  const last = held?.at(-1);
  const fresh = held ? state.comments.filter((comment) => !last || comment.id > last.id).length : 0;
  return (
    <div class="comments" onPointerEnter={(event) => event.pointerType === "mouse" && setHeld(state.comments)} onPointerLeave={() => setHeld(null)}>
      {fresh > 0 && <button type="button" class="chip" onClick={() => setHeld(state.comments)}>{strings.stream.fresh(fresh)}</button>}
      <div class="comments-scroll" tabIndex={0} role="log" aria-live="off" aria-label={words.comments}>
        {shown.length === 0 && <p class="empty">{words.noComments}</p>}
        <ol>{[...shown].reverse().map((comment) => <Row key={comment.id} comment={comment} own={client.isOwn(comment)} onAnswer={onAnswer} />)}</ol>
      </div>
    </div>
  );
}

const Row = memo(function Row({ comment, own, onAnswer }: { comment: Commented; own: boolean; onAnswer: Props["onAnswer"] }) {
  return (
    <CommentRow comment={comment} own={own}>
      <button type="button" class="quiet answer" onClick={() => onAnswer(comment)} aria-label={words.answerLabel(comment.name)} title={words.answer}>
        <Reply />
      </button>
    </CommentRow>
  );
});
