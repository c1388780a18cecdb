/** Messages: what the host said, newest first, each to be pinned or not. */

import type { Client, RoomState } from "@sdk";
import { useAct } from "../shared/act";
import { Pin } from "../shared/icons";
import { HostRow } from "../shared/rows";
import { strings } from "../shared/strings";

const words = strings.hostPage;

export function Messages({ client, state }: { client: Client; state: RoomState }) {
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
              <button type="button" class="quiet" aria-pressed={pinned} disabled={busy} onClick={() => act(() => client.pin(pinned ? null : message.id))}>
                <Pin /> {pinned ? words.unpin : words.pinIt}
              </button>
            </HostRow>
          );
        })}
      </ol>
    </section>
  );
}
