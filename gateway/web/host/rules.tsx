/** Rules: who may say what, how often; and who is muted or banned. */

import type { Chat, Client, RoomState, Sanction } from "@sdk";
import { useEffect, useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { timeOfDay } from "../shared/format";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";

const words = strings.hostPage;
const SWITCHES = ["approve_first", "links", "buyers_only", "anonymous"] as const;
const SLOW_S = [0, 5, 10, 30, 60, 120] as const;

export function Rules({ client, state }: { client: Client; state: RoomState }) {
  const { act, busy, trouble } = useAct();
  const [chosen, setChosen] = useState<Partial<Chat>>({}); // shown until the room says the same
  const policy = state.desk?.policy;
  const chat = { ...policy?.chat, ...chosen };
  useEffect(() => setChosen({}), [policy]);
  const set = (change: Partial<Chat>) => {
    setChosen(change);
    void act(() => client.run({ t: "set_chat", ...change })).then((done) => done || setChosen({}));
  };
  const slow = chat.slow_mode_s ?? 0;
  const choices = [...new Set([...SLOW_S, slow])].sort((one, other) => one - other);
  return (
    <section class="box rules" aria-label={words.rules}>
      <h2>{words.rules}</h2>
      {state.chat.unattended && <p class="trouble">{words.unattended}</p>}
      <div class="switches">
        {SWITCHES.map((name) => (
          <label key={name} class="check">
            <input type="checkbox" checked={chat[name] ?? false} disabled={busy} onChange={(event) => set({ [name]: event.currentTarget.checked })} /> {words.ruleNames[name]}
          </label>
        ))}
        <label class="check">{words.slow}
          <select value={slow} disabled={busy} onChange={(event) => set({ slow_mode_s: Number(event.currentTarget.value) })}>
            {choices.map((seconds) => <option key={seconds} value={seconds}>{seconds ? `${seconds} s` : words.off}</option>)}
          </select>
        </label>
      </div>
      {trouble}
      <Sanctions client={client} sanctions={state.desk?.sanctions ?? []} />
    </section>
  );
}

function Sanctions({ client, sanctions }: { client: Client; sanctions: readonly Sanction[] }) {
  const { act, busy, trouble } = useAct();
  if (sanctions.length === 0) return null;
  return (
    <details class="sanctions">
      <summary>{words.sanctions} <span class="count">{sanctions.length}</span></summary>
      <ol>
        {[...sanctions].reverse().map(({ who, name, kind, until, why }) => (
          <li key={`${who} ${kind}`}>
            <span><Words class="name">{name}</Words> {kind === "ban" ? words.banned : words.muted} {until == null ? words.forEver : words.until(timeOfDay(until))}{why && <> · <Words>{why}</Words></>}</span>
            <button type="button" class="quiet" disabled={busy} onClick={() => act(() => client.run({ t: kind === "ban" ? "unban" : "unmute", who }))}>{words.lift}</button>
          </li>
        ))}
      </ol>
      {trouble}
    </details>
  );
}
