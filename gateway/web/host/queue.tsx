/** Queue: comments that wait for staff, and those that viewers reported. Each is shown or turned down with one key. */

import type { Client, HeldComment, RoomState } from "@sdk";
import { useAct } from "../shared/act";
import { Check, Trash } from "../shared/icons";
import { strings } from "../shared/strings";
import { Avatar, Words } from "../shared/words";

const words = strings.hostPage;

export function Queue({ client, state }: { client: Client; state: RoomState }) {
  const { act, busy, trouble } = useAct();
  const held = state.desk?.held ?? [];
  const waiting = new Set(held.map((comment) => comment.id));
  const reported = (state.desk?.reports ?? []).filter(({ comment }) => !waiting.has(comment.id));
  if (held.length === 0 && reported.length === 0) return null;
  const rule = (comment: HeldComment, show: boolean) => void act(() => client.run({ t: "rule", comments: [comment.id], show }));
  return (
    <section class="box queue" aria-label={words.queue}>
      <h2>{words.queue} <span class="count">{held.length + reported.length}</span></h2>
      {trouble}
      <ol>
        {held.map((comment) => (
          <Waiting key={comment.id} comment={comment} busy={busy} why={words.why[comment.why ?? ""] ?? comment.why ?? ""} yes={words.show} no={words.turnDown} onRule={rule} />
        ))}
        {reported.map(({ comment, reports }) => (
          <Waiting key={comment.id} comment={comment} busy={busy} why={words.reports(reports)} yes={words.keep} no={words.remove} onRule={rule} />
        ))}
      </ol>
    </section>
  );
}

interface Props {
  readonly comment: HeldComment;
  readonly busy: boolean;
  readonly why: string;
  readonly yes: string;
  readonly no: string;
  readonly onRule: (comment: HeldComment, show: boolean) => void;
}

function Waiting({ comment, busy, why, yes, no, onRule }: Props) {
  return (
    <li class="comment" data-id={comment.id}>
      <Avatar of={comment.by} name={comment.name} />
      <div class="comment-body"><Words class="name">{comment.name}</Words> <Words class="text">{comment.text}</Words> <span class="why"><Words>{why}</Words></span></div>
      <button type="button" class="quiet yes" disabled={busy} onClick={() => onRule(comment, true)}><Check /> {yes}</button>
      <button type="button" class="quiet no" disabled={busy} onClick={() => onRule(comment, false)}><Trash /> {no}</button>
    </li>
  );
}
