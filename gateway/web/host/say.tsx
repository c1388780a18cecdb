/** Say: a message to every viewer, pinned or not, as an answer or not. */

import { type Client, type Commented, LIMITS } from "@sdk";
import { useEffect, useRef, useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { characters } from "../shared/format";
import { Close } from "../shared/icons";
import { strings } from "../shared/strings";
import { Words } from "../shared/words";

const words = strings.hostPage;
const COUNT_FROM = 1800;

export function Say({ client, answering, onDone }: { client: Client; answering: Commented | null; onDone: () => void }) {
  const [text, setText] = useState("");
  const [pin, setPin] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const { act, busy, trouble } = useAct();
  const left = LIMITS.HOST_MESSAGE_CHARS - characters(text);
  useEffect(() => {
    if (answering) field.current?.focus();
  }, [answering]);

  const send = async () => {
    if (!text.trim() || left < 0) return;
    const worked = await act(() => client.say(text.trim(), { pin, ...(answering && { answers: answering.id }) }));
    if (!worked) return;
    setText("");
    setPin(false);
    onDone();
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void send();
    }
    if (event.key === "Escape" && answering) onDone();
  };

  return (
    <form class="box say" onSubmit={(event) => { event.preventDefault(); void send(); }}>
      <label class="say-label" for="say">{words.say}</label>
      {answering && (
        <p class="quote answering">
          <span><Words class="name">{answering.name}</Words> <Words>{answering.text}</Words></span>
          <button type="button" class="quiet" onClick={onDone} aria-label={words.answerCancel} title={words.answerCancel}><Close /></button>
        </p>
      )}
      <textarea id="say" ref={field} rows={3} value={text} onInput={(event) => setText(event.currentTarget.value)} onKeyDown={onKeyDown} placeholder={words.sayPlaceholder} dir="auto" />
      <div class="say-foot">
        <label class="check"><input type="checkbox" checked={pin} onChange={(event) => setPin(event.currentTarget.checked)} /> {words.pin}</label>
        <span class="faint">{characters(text) >= COUNT_FROM ? strings.composer.left(left) : words.sayHint}</span>
        <button type="submit" class="primary" disabled={busy || !text.trim() || left < 0}>{words.sendMessage}</button>
      </div>
      {trouble}
    </form>
  );
}
