/** ViewerComment: a comment with what a viewer can do about it: report it, hide its author. */

import type { Client, Commented } from "@sdk";
import { memo } from "preact/compat";
import { useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { More } from "../shared/icons";
import { CommentRow } from "../shared/rows";
import { strings } from "../shared/strings";

const words = strings.person;

interface Props {
  readonly client: Client;
  readonly comment: Commented;
  readonly times: number | undefined;
  readonly unseen: "held" | "left_out" | undefined;
}

export const ViewerComment = memo(function ViewerComment({ client, comment, times, unseen }: Props) {
  const own = client.isOwn(comment);
  const signedIn = client.me !== undefined && client.me.role !== "anonymous";
  return (
    <CommentRow comment={comment} own={own} times={times} unseen={unseen}>
      {signedIn && !own && <Menu client={client} comment={comment} />}
    </CommentRow>
  );
});

function Menu({ client, comment }: { client: Client; comment: Commented }) {
  const [open, setOpen] = useState(false);
  const [told, setTold] = useState("");
  const { act, busy, trouble } = useAct();
  const report = () => act(() => client.run({ t: "report", comment: comment.id })).then((done) => done && (setTold(words.reported), setOpen(false)));
  if (told) return <span class="faint" role="status">{told}</span>;
  return (
    <span class="menu" onKeyDown={(event) => event.key === "Escape" && setOpen(false)}>
      <button type="button" class="quiet more" aria-expanded={open} aria-label={words.menu(comment.name)} onClick={() => setOpen(!open)}><More /></button>
      {open && (
        <span class="menu-list">
          <button type="button" disabled={busy} onClick={report}>{words.report}</button>
          <button type="button" disabled={busy} onClick={() => act(() => client.block(comment.by))}>{words.block}</button>
          {trouble}
        </span>
      )}
    </span>
  );
}
