/** The page `/check`: `/check?draw=ID` fetches that draw's proof from here; else one is dropped or pasted. */

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import "../shared/base.css";
import { Checker } from "./checker";
import { type Placed, readPlaced } from "./document";
import { Door, type Given } from "./door";
import { keep, kept } from "./kept";
import { words } from "./words";

type Fetched = { readonly kind: "none" | "loading" } | { readonly kind: "trouble"; readonly text: string };

/** A new proof begins anew, but for the receipt that came before the first. */
const together = (before: Given, more: Given): Given => (before.document !== undefined && more.document !== undefined ? more : { ...before, ...more });

async function proofOf(draw: string): Promise<string> {
  const response = await fetch(`/v1/draws/${encodeURIComponent(draw)}/proof`).catch(() => {
    throw new Error(words.away);
  });
  if (!response.ok) throw new Error(response.status === 404 ? words.notFound : words.away);
  return response.text();
}

/** Where the entry of a kept receipt stands in the tree; asked once. Undefined: there is no receipt, or no such entry any more. */
async function placeOf(draw: string): Promise<Placed | undefined> {
  const { receipt, inclusion } = kept(draw);
  if (!receipt || inclusion) return inclusion;
  try {
    const response = await fetch(`/v1/draws/${encodeURIComponent(draw)}/inclusion?entry=${receipt.entry_id}`);
    const placed = readPlaced(await response.json());
    keep(draw, { inclusion: placed });
    return placed;
  } catch {
    return undefined; // the entries of the proof have it, too
  }
}

function Page({ draw }: { draw: string | null }) {
  const [given, setGiven] = useState<Given>({});
  const [fetched, setFetched] = useState<Fetched>({ kind: draw ? "loading" : "none" });
  const get = () => {
    if (!draw) return;
    setFetched({ kind: "loading" });
    Promise.all([proofOf(draw), placeOf(draw)]).then(
      ([document, inclusion]) => {
        setFetched({ kind: "none" });
        setGiven((before) => ({ ...before, document, ...(inclusion && { inclusion }) }));
      },
      (error: Error) => setFetched({ kind: "trouble", text: error.message }),
    );
  };
  useEffect(get, [draw]);
  return (
    <main class="check-page">
      <p class="brand"><img src="/assets/icon.svg" width="24" height="24" alt="" /> {words.brand}</p>
      {given.document === undefined && <p class="faint">{words.intro}</p>}
      {fetched.kind === "loading" && <div class="verdict" role="status"><span class="spinner" aria-hidden="true" />{words.loading}</div>}
      {fetched.kind === "trouble" && (
        <div class="verdict failed" role="alert"><p>{fetched.text}</p><button type="button" class="quiet" onClick={get}>{words.retry}</button></div>
      )}
      {given.document !== undefined && <Checker document={given.document} mine={given} />}
      {fetched.kind !== "loading" && (
        <>
          {given.document === undefined && (given.receipt || given.witness) && <p role="status">{words.half}</p>}
          {given.document !== undefined && <p class="faint again">{words.another}</p>}
          <Door key={given.document} onGiven={(more) => setGiven((before) => together(before, more))} />
        </>
      )}
    </main>
  );
}

document.title = words.brand;
render(<Page draw={new URLSearchParams(location.search).get("draw")} />, document.getElementById("page") as HTMLElement);
