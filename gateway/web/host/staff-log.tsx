/** StaffLog: who of the team did what. Viewers never see it. */

import type { StaffEntry } from "@sdk";
import { timeOfDay } from "../shared/format";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";

const words = strings.hostPage;

export function StaffLog({ entries }: { entries: readonly StaffEntry[] }) {
  return (
    <section class="box staff" aria-label={words.staff}>
      <h2>{words.staff}</h2>
      {entries.length === 0 && <p class="empty">{words.noStaff}</p>}
      <ol>
        {[...entries].reverse().map(({ seq, at, event }) => (
          <li key={seq}>
            <time>{timeOfDay(at)}</time> <span><Words class="name">{event.name}</Words> <Words>{event.what}</Words></span>
          </li>
        ))}
      </ol>
    </section>
  );
}
