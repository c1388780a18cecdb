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

/** A room may allow up to 500; more than 200 nobody reads in a live stream. */
const MOST_CHARACTERS = 200;
const COUNT_FROM = 150;

export function Composer({ client, state }: { client: Client; state: RoomState }) {
  const [text, setText] = useState("");
  const [asking, setAsking] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const { act, busy, failed, forget } = useAct();
  useTicks(failed?.until !== undefined);

  const open = state.show !== null && ["warm_up", "live", "paused"].includes(state.show.state);
  const left = MOST_CHARACTERS - characters(text);
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
          {characters(text) >= COUNT_FROM && <span class={left < 0 ? "counter over" : "counter"}>{left}</span>}
          <button type="submit" class="send" disabled={!open || !text.trim() || left < 0 || waiting || busy} aria-label={strings.composer.send}>
            <Send />
          </button>
        </div>
        <Like client={client} total={state.values["likes"] ?? 0} enabled={open} />
      </form>
    </div>
  );
}
