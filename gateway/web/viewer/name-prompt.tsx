/** NamePrompt: an anonymous viewer chooses the name that stands beside their comments. */

import { LIMITS } from "@sdk";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { strings } from "../shared/strings";

interface Props {
  readonly before: string;
  readonly onName: (name: string) => void;
  readonly onCancel: () => void;
}

export function NamePrompt({ before, onName, onCancel }: Props) {
  const [name, setName] = useState(before);
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => field.current?.select(), []); // before the next key is pressed
  const submit = (event: Event) => {
    event.preventDefault();
    if (name.trim()) onName(name.trim());
  };
  return (
    <form class="name-prompt" onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && onCancel()}>
      <label for="display-name">{strings.name.title}</label>
      <p>{strings.name.hint}</p>
      <input id="display-name" ref={field} value={name} onInput={(event) => setName(event.currentTarget.value)} maxLength={LIMITS.NAME_CHARS} autocomplete="nickname" enterkeyhint="done" dir="auto" />
      <div class="buttons">
        <button type="button" class="quiet" onClick={onCancel}>{strings.name.cancel}</button>
        <button type="submit" class="primary" disabled={!name.trim()}>{strings.name.save}</button>
      </div>
    </form>
  );
}
