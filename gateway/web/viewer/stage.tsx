/** Stage: where the video plays, with what everybody must see at a glance: the show's state, the audience, the host's last words. */

import type { Client, HostMessage, RoomState, Show } from "@sdk";
import { clock } from "../shared/format";
import { Eye } from "../shared/icons";
import { useTicks } from "../shared/room";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";
import { Hearts } from "./hearts";

export function Stage({ client, state }: { client: Client; state: RoomState }) {
  const { show } = state;
  return (
    <section class={`stage is-${show?.state ?? "none"}`} aria-label={show?.title ?? state.title}>
      <div class="picture" aria-hidden="true"><i /><i /><i /></div>
      <div class="stage-top">
        <Badge show={show} />
        <span class="viewers" title={strings.viewers(state.values["viewers"] ?? 0)}>
          <Eye />
          <span data-testid="viewers">{strings.viewers(state.values["viewers"] ?? 0)}</span>
        </span>
      </div>
      <Middle client={client} show={show} />
      <div class="stage-bottom">
        <h1><Words>{show?.title ?? state.title}</Words></h1>
        {state.presenter && <p class="presenter"><Words>{strings.presenter(state.presenter)}</Words></p>}
        <Caption message={lastWords(state)} />
      </div>
      <Hearts likes={state.values["likes"]} />
    </section>
  );
}

function Badge({ show }: { show: Show | null }) {
  const state = show?.state;
  return (
    <span class={`badge ${state ?? "none"}`} data-testid="show-state">
      {state === "live" && <span class="dot" />}
      {state === undefined ? strings.show.none : state === "scheduled" ? strings.show.upcoming : strings.show[state]}
    </span>
  );
}

function Middle({ client, show }: { client: Client; show: Show | null }) {
  const counting = show?.state === "scheduled";
  useTicks(counting);
  if (show?.state === "live") return <div class="stage-middle" />;
  const left = counting ? show.starts_at - client.now() : 0;
  return (
    <div class="stage-middle">
      {counting && left > 0 && (
        <p class="countdown">
          <span>{strings.show.scheduled}</span>
          <b role="timer">{clock(left)}</b>
        </p>
      )}
      {show && !counting && <p class="state-word">{strings.show[show.state]}</p>}
      <p class="state-hint">{hint(show)}</p>
    </div>
  );
}

function hint(show: Show | null): string {
  switch (show?.state) {
    case "scheduled":
      return strings.show.scheduledHint;
    case "warm_up":
      return strings.show.warmUpHint;
    case "paused":
      return strings.show.pausedHint;
    case "ended":
      return strings.show.endedHint;
    default:
      return strings.show.noneHint;
  }
}

/** What the host said last in this show; ids sort by time. */
function lastWords({ show, messages }: RoomState): HostMessage | undefined {
  const last = messages.findLast((message) => !message.retracted);
  return last && show && show.state !== "ended" && last.id > show.id ? last : undefined;
}

/** The host's last words, on the picture; spoken by screen readers, which the flood of comments is not. */
function Caption({ message }: { message: HostMessage | undefined }) {
  return (
    <div class="caption" aria-live="polite">
      {message && <p key={message.id}><Words class="name">{message.name}</Words> <Words>{message.text}</Words></p>}
    </div>
  );
}
