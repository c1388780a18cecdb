/** Comments as staff see them: newest first, each with what can be done about it. Still while the pointer is on them. */

import type { Client, Commented, RoomState } from "@sdk";
import { memo } from "preact/compat";
import { useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { Ban, Mute, Reply, Trash } from "../shared/icons";
import { CommentRow } from "../shared/rows";
import { strings } from "../shared/strings";
import { SanctionForm } from "./sanction";

const words = strings.hostPage;
const STAFF = new Set(["moderator", "host", "operator", "service"]);

interface Props {
  readonly client: Client;
  readonly state: RoomState;
  /** Undefined: this person may not answer. */
  readonly onAnswer: ((comment: Commented) => void) | undefined;
}

export function Comments({ client, state, onAnswer }: Props) {
  const [held, setHeld] = useState<readonly Commented[] | null>(null);
  const gone = new Set(state.deleted);
  const shown = (held ?? state.comments).filter((comment) => !gone.has(comment.id));
  const last = held?.at(-1);
  const fresh = held ? state.comments.filter((comment) => !last || comment.id > last.id).length : 0;
  return (
    <div class="comments" onPointerEnter={(event) => event.pointerType === "mouse" && setHeld(state.comments)} onPointerLeave={() => setHeld(null)}>
      {fresh > 0 && <button type="button" class="chip" onClick={() => setHeld(state.comments)}>{strings.stream.fresh(fresh)}</button>}
      <div class="comments-scroll" tabIndex={0} role="log" aria-live="off" aria-label={words.comments}>
        {shown.length === 0 && <p class="empty">{words.noComments}</p>}
        <ol>
          {[...shown].reverse().map((comment) => (
            <Row key={comment.id} client={client} comment={comment} own={client.isOwn(comment)} times={state.echoes[comment.id]} onAnswer={onAnswer} />
          ))}
        </ol>
      </div>
    </div>
  );
}

interface RowProps {
  readonly client: Client;
  readonly comment: Commented;
  readonly own: boolean;
  readonly times: number | undefined;
  readonly onAnswer: Props["onAnswer"];
}

const Row = memo(function Row({ client, comment, own, times, onAnswer }: RowProps) {
  const { act, busy, trouble } = useAct();
  const person = !STAFF.has(comment.role ?? "viewer");
  const [quieting, setQuieting] = useState<"mute" | "ban" | null>(null);
  return (
    <CommentRow comment={comment} own={own} times={times}>
      <span class="tools">
        {onAnswer && <Tool label={words.answerLabel(comment.name)} title={words.answer} onClick={() => onAnswer(comment)}><Reply /></Tool>}
        <Tool label={`${words.remove}: ${comment.name}`} title={words.remove} disabled={busy} onClick={() => act(() => client.run({ t: "delete", comments: [comment.id] }))}><Trash /></Tool>
        {person && <Tool label={`${words.mute}: ${comment.name}`} title={words.mute} onClick={() => setQuieting("mute")}><Mute /></Tool>}
        {person && <Tool label={`${words.ban}: ${comment.name}`} title={words.ban} onClick={() => setQuieting("ban")}><Ban /></Tool>}
      </span>
      {quieting && <SanctionForm client={client} comment={comment} kind={quieting} onDone={() => setQuieting(null)} />}
      {trouble}
    </CommentRow>
  );
});

interface ToolProps {
  readonly label: string;
  readonly title: string;
  readonly disabled?: boolean;
  readonly onClick: () => void;
  readonly children: preact.ComponentChildren;
}

function Tool({ label, title, disabled = false, onClick, children }: ToolProps) {
  return <button type="button" class="quiet answer" disabled={disabled} onClick={onClick} aria-label={label} title={title}>{children}</button>;
}
