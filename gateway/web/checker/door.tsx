/** Door of the checker: takes proofs, receipts and witnesses as files or as text, and tells which is which. */

import { useState } from "preact/hooks";
import type { Mine } from "./check";
import { readPlaced, readReceipt, readWitness } from "./document";
import { words } from "./words";

export interface Given extends Mine {
  readonly document?: string;
}

/** A receipt with its inclusion proof, as the server gives them to the entrant. */
function readHeld(text: string): Given {
  const { receipt, inclusion } = JSON.parse(text) as { receipt?: unknown; inclusion?: unknown };
  return { receipt: readReceipt(receipt), ...(inclusion ? { inclusion: readPlaced(inclusion) } : {}) };
}

/** What a text is; undefined: none of these. A broken proof is a proof: that is what the checker is for. */
export function sorted(text: string): Given | undefined {
  for (const read of [() => ({ receipt: readReceipt(text) }), () => ({ witness: readWitness(text) }), () => readHeld(text)]) {
    try {
      return read();
    } catch {
      // another kind
    }
  }
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" && "rules" in value ? { document: text } : undefined;
  } catch {
    return undefined;
  }
}

export function Door({ onGiven, trouble }: { onGiven: (given: Given) => void; trouble?: string | undefined }) {
  const [pasted, setPasted] = useState("");
  const [complaint, setComplaint] = useState(trouble);
  const [over, setOver] = useState(false);
  const take = async (files: FileList | null | undefined) => {
    let given: Given = {};
    for (const file of files ?? []) {
      const found = sorted(await file.text());
      if (!found) return setComplaint(words.unreadable(file.name));
      given = { ...given, ...found };
    }
    onGiven(given);
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const found = sorted(pasted);
    return found ? onGiven(found) : setComplaint(words.unreadablePaste);
  };
  return (
    <form
      class={over ? "panel drop over" : "panel drop"}
      onSubmit={submit}
      onDragOver={(event) => { event.preventDefault(); setOver(true); }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => { event.preventDefault(); setOver(false); void take(event.dataTransfer?.files); }}
    >
      <p>{words.drop}</p>
      <label class="choose">
        <span class="primary">{words.choose}</span>
        <input type="file" class="visually-hidden" multiple accept="application/json,.json" onChange={(event) => void take(event.currentTarget.files)} />
      </label>
      <label class="paste">
        <span class="faint">{words.paste}</span>
        <textarea rows={4} aria-label={words.pasteLabel} value={pasted} spellcheck={false} onInput={(event) => setPasted(event.currentTarget.value)} />
      </label>
      {pasted && <button type="submit" class="primary">{words.go}</button>}
      {complaint && <p class="complaint" role="alert">{complaint}</p>}
    </form>
  );
}
