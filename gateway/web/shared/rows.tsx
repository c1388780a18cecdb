/** Rows of the stream: a comment, a host message. Memoised: a row never changes once it is on the screen. */

import type { Commented, HostMessage } from "@sdk";
import type { ComponentChildren } from "preact";
import { memo } from "preact/compat";
import { strings } from "./strings";
import { Avatar, RoleBadge, Words } from "./words";

interface CommentProps {
  readonly comment: Commented;
  readonly own: boolean;
  /** How many have said the same. */
  readonly times?: number | undefined;
  /** Why others do not see it. */
  readonly unseen?: "held" | "left_out" | undefined;
  readonly children?: ComponentChildren;
}

export const CommentRow = memo(function CommentRow({ comment, own, times, unseen, children }: CommentProps) {
  return (
    <li class={`comment${own ? " own" : ""}${unseen ? " unseen" : ""}`} data-id={comment.id}>
      <Avatar of={comment.by} name={comment.name} />
      <div class="comment-body">
        <Words class="name">{comment.name}</Words>
        {own && <span class="role you">{strings.you}</span>}
        <RoleBadge role={comment.role} /> <Words class="text">{comment.text}</Words>
        {times !== undefined && times > 1 && <span class="echo">{strings.echo(times)}</span>}
        {unseen && <span class="unseen-why">{strings.unseen[unseen]}</span>}
      </div>
      {children}
    </li>
  );
});

export const HostRow = memo(function HostRow({ message, children }: { message: HostMessage; children?: ComponentChildren }) {
  if (message.retracted) return <li class="retracted" data-id={message.id}>{strings.retracted} {children}</li>;
  return (
    <li class="host-message" data-id={message.id}>
      <div class="host-body">
        <p class="host-name"><Words>{message.name}</Words> <span class="role">{strings.host}</span></p>
        {message.answered_text && (
          <p class="quote"><Words class="name">{message.answered_name ?? ""}</Words> <Words>{message.answered_text}</Words></p>
        )}
        <p class="host-text"><Words>{message.text}</Words></p>
      </div>
      {children}
    </li>
  );
});
