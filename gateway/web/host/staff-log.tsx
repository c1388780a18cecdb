/** StaffLog: who of the team did what, with a way back where there is one. Viewers never see it. */

import type { Acted, Client, RoomState, Unnumbered } from "@sdk";
import { useAct } from "../shared/act";
import { timeOfDay } from "../shared/format";
import { Undo } from "../shared/icons";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";

const words = strings.hostPage;
/** What is older is history. */
const UNDO_MS = 10 * 60_000;

export function StaffLog({ client, state }: { client: Client; state: RoomState }) {
  const { act, busy, trouble } = useAct();
  const entries = state.staff.filter((entry): entry is typeof entry & { event: Acted } => entry.event.t === "acted");
  const since = client.now() - UNDO_MS;
  return (
    <section class="box staff" aria-label={words.staff}>
      <h2>{words.staff}</h2>
      {trouble}
      {entries.length === 0 && <p class="empty">{words.noStaff}</p>}
      <ol>
        {[...entries].reverse().map(({ seq, at, event }) => (
          <li key={seq}>
            <time>{timeOfDay(at)}</time>
            <span><Words class="name">{event.name}</Words> <Words>{event.what}</Words>{event.why && <> · <Words>{event.why}</Words></>}</span>
            {event.undo && at > since && (
              <button type="button" class="quiet undo" disabled={busy} title={words.undo} aria-label={`${words.undo}: ${event.what}`} onClick={() => act(() => client.run(event.undo as unknown as Unnumbered))}><Undo /></button>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
