/** ScheduleForm: announce the next show. */

import { type Client, LIMITS } from "@sdk";
import { useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { localDateTime } from "../shared/format";
import { strings } from "../shared/strings";

const words = strings.hostPage.schedule;
const SOON_MS = 15 * 60_000;

export function ScheduleForm({ client, again }: { client: Client; again: boolean }) {
  const { act, busy, trouble } = useAct();
  const [title, setTitle] = useState("");
  const [at, setAt] = useState(() => localDateTime(Date.now() + SOON_MS));
  const submit = (event: Event) => {
    event.preventDefault();
    const startsAt = new Date(at).getTime();
    if (title.trim() && startsAt > 0) void act(() => client.schedule(title.trim(), startsAt));
  };
  return (
    <form class="schedule" onSubmit={submit}>
      <label>{words.title}<input value={title} onInput={(event) => setTitle(event.currentTarget.value)} placeholder={words.placeholder} maxLength={LIMITS.TITLE_CHARS} required dir="auto" /></label>
      <label>{words.at}<input type="datetime-local" value={at} onInput={(event) => setAt(event.currentTarget.value)} required /></label>
      <button type="submit" class="primary" disabled={busy || !title.trim()}>{again ? words.next : words.go}</button>
      {trouble}
    </form>
  );
}
