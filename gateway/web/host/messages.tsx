/** Messages: what the host said, newest first, each to be pinned or not. */

import type { Client, HostMessage, RoomState } from "@sdk";
import { useAct } from "../shared/act";
import { Pin, Trash, Undo } from "../shared/icons";
import { HostRow } from "../shared/rows";
import { strings } from "../shared/strings";

const words = strings.hostPage;

export function Messages({ client, state, runs }: { client: Client; state: RoomState; runs: boolean }) {
  const { act, busy, trouble } = useAct();
  const newestFirst = [...state.messages].reverse();
  return (
    <section class="box messages" aria-label={words.messages}>
      <h2>{words.messages}</h2>
      {trouble}
      {newestFirst.length === 0 && <p class="empty">{words.noMessages}</p>}
      <ol>
        {newestFirst.map((message) => {
          const pinned = state.pinned?.id === message.id;
          return (
            <HostRow key={message.id} message={message}>
              {runs && <Tools client={client} message={message} pinned={pinned} busy={busy} act={act} />}
            </HostRow>
          );
        })}
      </ol>
    </section>
  );
}

interface ToolsProps {
  readonly client: Client;
  readonly message: HostMessage;
  readonly pinned: boolean;
  readonly busy: boolean;
  readonly act: (command: () => Promise<unknown>) => Promise<boolean>;
}

function Tools({ client, message, pinned, busy, act }: ToolsProps) {
  if (message.retracted) {
    return <button type="button" class="quiet" disabled={busy} onClick={() => act(() => client.run({ t: "unretract", message: message.id }))}><Undo /> {words.unretract}</button>;
  }
  return (
    <span class="buttons">
      <button type="button" class="quiet" aria-pressed={pinned} disabled={busy} onClick={() => act(() => client.pin(pinned ? null : message.id))}>
        <Pin /> {pinned ? words.unpin : words.pinIt}
      </button>
      <button type="button" class="quiet" disabled={busy} title={words.retract} aria-label={`${words.retract}: ${message.text}`} onClick={() => act(() => client.run({ t: "retract", message: message.id }))}><Trash /></button>
    </span>
  );
}
