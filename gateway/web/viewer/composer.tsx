/** Composer: write a comment. Asks an anonymous viewer for a name first, and keeps what was written meanwhile. */

import type { Client, RoomState } from "@sdk";
import { useRef, useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { characters } from "../shared/format";
import { Send } from "../shared/icons";
import { keepName, keptName } from "../shared/keep";
import { useTicks } from "../shared/room";
import { strings } from "../shared/strings";
import { Like } from "./like";
import { NamePrompt } from "./name-prompt";

/** So many characters before the end the count appears. */
const COUNT_LEFT = 50;

export function Composer({ client, state }: { client: Client; state: RoomState }) {
  const [text, setText] = useState("");
  const [asking, setAsking] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const { act, busy, failed, forget } = useAct();
  useTicks(failed?.until !== undefined);

  const open = state.show !== null && ["warm_up", "live", "paused"].includes(state.show.state);
  const left = (state.chat.comment_chars ?? 200) - characters(text);
  const anonymous = client.me?.role === "anonymous";
  const name = client.me?.name ?? keptName();
  const waiting = failed?.until !== undefined && failed.until > Date.now();

  const post = () => act(() => client.comment(text.trim())).then((worked) => {
    if (worked) setText("");
    field.current?.focus();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    if (!text.trim() || left < 0 || waiting || busy) return;
    if (anonymous && !name) setAsking(true);
    else void post();
  };
  const named = (chosen: string) => {
    keepName(chosen);
    setAsking(false);
    client.rename(chosen);
    if (text.trim()) void post();
    else field.current?.focus();
  };

  return (
    <div class="composer">
      {asking && <NamePrompt before={name ?? ""} onName={named} onCancel={() => { setAsking(false); field.current?.focus(); }} />}
      {failed && (
        <p class="trouble" role="alert">
          {waiting ? strings.rateLimited(failed.until! - Date.now()) : failed.text}
        </p>
      )}
      <Hints client={client} state={state} />
      <form onSubmit={submit}>
        <div class="field">
          {anonymous && name && (
            <button type="button" class="me" onClick={() => setAsking(true)} title={strings.name.change(name)} aria-label={strings.name.change(name)}>
              {name.slice(0, 1).toUpperCase()}
            </button>
          )}
          <input
            ref={field}
            value={text}
            onInput={(event) => { setText(event.currentTarget.value); if (!waiting) forget(); }}
            onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
            placeholder={open ? strings.composer.placeholder : state.show?.state === "ended" ? strings.composer.ended : strings.composer.closed}
            aria-label={strings.composer.label}
            disabled={!open}
            autocomplete="off"
            enterkeyhint="send"
            dir="auto"
          />
          {left <= COUNT_LEFT && <span class={left < 0 ? "counter over" : "counter"}>{left}</span>}
          <button type="submit" class="send" disabled={!open || !text.trim() || left < 0 || waiting || busy} aria-label={strings.composer.send}>
            <Send />
          </button>
        </div>
        <Like client={client} total={state.values["likes"] ?? 0} enabled={open} />
      </form>
    </div>
  );
}

/** What the room asks of those who talk; nothing where it asks nothing. */
function Hints({ client, state: { chat } }: { client: Client; state: RoomState }) {
  const hints = [
    client.me?.muted && strings.rules.muted,
    chat.buyers_only && !client.me?.buyer && strings.rules.buyersOnly,
    chat.approve_first && strings.rules.approveFirst,
    chat.slow_mode_s && strings.rules.slow(chat.slow_mode_s),
  ].filter((hint): hint is string => typeof hint === "string");
  const hidden = client.blocked.size;
  if (hints.length === 0 && hidden === 0) return null;
  const unblock = () => void Promise.all([...client.blocked].map((who) => client.unblock(who).catch(() => undefined)));
  return (
    <p class="hints">
      {hints.join(" · ")} {hidden > 0 && <button type="button" class="link" onClick={unblock}>{strings.person.unblock(hidden)}</button>}
    </p>
  );
}
