/** Team: a link that brings somebody onto the staff of this room, and handing the show over to another host. */

import { useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { roomOfPage } from "../shared/session";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";
import type { Card, CardProps } from "./registry";

const words = strings.team;

function ForHost({ client, state }: CardProps) {
  const { act, busy, trouble } = useAct();
  const [asking, setAsking] = useState(false);
  const [name, setName] = useState("");
  const [role, setRole] = useState<"host" | "moderator">("moderator");
  const [link, setLink] = useState<string | null>(null);
  if (!asking) return <div class="card-tool"><button type="button" class="quiet" onClick={() => setAsking(true)}>{words.begin}</button></div>;
  const invite = (event: Event) => {
    event.preventDefault();
    void act(async () => {
      const made = await client.run({ t: "invite", name: name.trim(), role });
      if (made.t === "invited") setLink(`${location.origin}/host/${encodeURIComponent(roomOfPage())}#ticket=${made.ticket}`);
    });
  };
  // Whoever of the team wrote a comment lately can take over: their page is open.
  const team = new Map(state.comments.filter((comment) => comment.role === "host" && !client.isOwn(comment)).map((comment) => [comment.by, comment.name]));
  return (
    <form class="card form" onSubmit={invite} onKeyDown={(event) => event.key === "Escape" && setAsking(false)}>
      <label>{words.name}<input value={name} onInput={(event) => setName(event.currentTarget.value)} maxLength={40} required dir="auto" autofocus /></label>
      <label>{words.role}
        <select value={role} onChange={(event) => setRole(event.currentTarget.value as "host" | "moderator")}>
          <option value="moderator">{words.moderator}</option>
          <option value="host">{words.host}</option>
        </select>
      </label>
      {link && <label>{words.link}<input value={link} readOnly onFocus={(event) => event.currentTarget.select()} /></label>}
      <div class="buttons">
        <button type="submit" class="primary" disabled={busy || !name.trim()}>{words.invite}</button>
        {[...team].map(([who, called]) => (
          <button key={who} type="button" class="quiet" disabled={busy} onClick={() => act(() => client.run({ t: "hand_over", to: who }))}><Words>{words.handOver(called)}</Words></button>
        ))}
        <button type="button" class="quiet" onClick={() => { setAsking(false); setLink(null); }}>{words.done}</button>
      </div>
      {trouble}
    </form>
  );
}

export default { id: "team", order: 90, host: ForHost } satisfies Card;
