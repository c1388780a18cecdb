/** Wordlist: the shop's own words, and what becomes of comments that hold them. For operators alone. */

import { useEffect, useState } from "preact/hooks";
import { useAct } from "../shared/act";
import { api, shopOfToken } from "../shared/api";
import { Words } from "../shared/words";
import { Folded } from "./desk/folded";
import { list as words } from "./desk/words";
import type { Card, CardProps } from "./registry";

interface Word {
  readonly text: string;
  readonly action: string;
}

function ForHost({ client }: CardProps) {
  if (client.me?.role !== "operator") return null;
  return <Folded begin={words.begin} label={words.label} close={words.close}>{() => <List />}</Folded>;
}

function List() {
  const { act, busy, trouble } = useAct();
  const [known, setKnown] = useState<readonly Word[] | null>(null);
  const [text, setText] = useState("");
  const [action, setAction] = useState("hold");
  const shop = `/v1/shops/${encodeURIComponent(shopOfToken() ?? "")}`;
  const read = async () => setKnown((await api<{ items: Word[] }>("GET", `${shop}/words`)).items);
  const then = (ask: () => Promise<unknown>) => act(async () => { await ask(); await read(); });
  useEffect(() => void act(read), []);
  const fresh = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const add = (event: Event) => {
    event.preventDefault();
    void then(() => api("POST", `${shop}/put_words`, { words: fresh, action })).then((done) => done && setText(""));
  };
  return (
    <>
      <p class="faint">{words.text}</p>
      <form onSubmit={add}>
        <label>{words.words}<textarea value={text} onInput={(event) => setText(event.currentTarget.value)} rows={3} dir="auto" autofocus /></label>
        <label>{words.action}
          <select value={action} onChange={(event) => setAction(event.currentTarget.value)}>
            {Object.entries(words.actions).map(([value, label]) => <option key={value} value={value}>{label}</option>)}
          </select>
        </label>
        <button type="submit" class="primary" disabled={busy || fresh.length === 0}>{words.add}</button>
        {trouble}
      </form>
      {known?.length === 0 && <p class="empty">{words.none}</p>}
      <ul class="wordlist">
        {known?.map((word) => (
          <li key={word.text}>
            <Words>{word.text}</Words> <span class="faint">{words.actions[word.action] ?? word.action}</span>
            <button type="button" class="quiet" disabled={busy} aria-label={words.remove(word.text)} title={words.remove(word.text)} onClick={() => void then(() => api("POST", `${shop}/remove_words`, { words: [word.text] }))}>×</button>
          </li>
        ))}
      </ul>
    </>
  );
}

export default { id: "wordlist", order: 92, host: ForHost } satisfies Card;
