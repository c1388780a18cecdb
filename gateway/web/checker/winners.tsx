/** Winners: who won what, by the ids of their entries, and which prizes went on to a reserve. */

import { useState } from "preact/hooks";
import { Words } from "../shared/words";
import type { Proof } from "./document";
import { words } from "./words";

const SHOWN = 20;
const short = (id: string) => `${id.slice(0, 8)}…${id.slice(-4)}`;

function Id({ id, mine }: { id: string; mine: string | undefined }) {
  return (
    <>
      <code title={id}>{short(id)}</code>
      {id === mine && <span class="badge you">{words.you}</span>}
    </>
  );
}

/** Which prize each unit is of: unit 0 is the first of the first prize. */
const unitsOf = ({ rules }: Proof) => rules.prizes.flatMap(({ quantity, ...prize }) => Array<typeof prize>(quantity).fill(prize));

export function Winners({ proof, mine }: { proof: Proof; mine: string | undefined }) {
  const [all, setAll] = useState(false);
  const { drawing, passed, lapsed } = proof;
  if (!drawing) return null;
  const prizes = unitsOf(proof);
  const shown = all ? drawing.winners : drawing.winners.slice(0, SHOWN);
  const unwon = prizes.length - drawing.winners.length;
  return (
    <section class="panel">
      <h2>{words.winners}</h2>
      {drawing.winners.length === 0 && <p>{words.nobody}</p>}
      <ol class="winners">
        {shown.map((id, unit) => {
          const chain = passed.filter((each) => each.unit === unit);
          const nobodys = lapsed.find((each) => each.unit === unit);
          return (
            <li key={id}>
              <span class="prize"><b><Words>{prizes[unit]?.tier ?? ""}</Words></b> <Words>{prizes[unit]?.name ?? ""}</Words></span>
              <span class={chain.length || nobodys ? "holder gone" : "holder"}><Id id={id} mine={mine} /></span>
              {chain.map(({ reserve, why }, place) => (
                <span key={reserve} class="went-on">
                  {words.wentOn[why]} → <span class={place < chain.length - 1 || nobodys ? "gone" : ""}><Id id={drawing.reserves[reserve] ?? ""} mine={mine} /></span> ({words.reserve(reserve + 1)})
                </span>
              ))}
              {nobodys && <span class="went-on">{words.wentOn[nobodys.why]} → {words.nobodys}</span>}
            </li>
          );
        })}
      </ol>
      {shown.length < drawing.winners.length && <button type="button" class="quiet" onClick={() => setAll(true)}>{words.more(drawing.winners.length - shown.length)}</button>}
      {unwon > 0 && drawing.winners.length > 0 && <p class="faint">{words.unwon(unwon)}</p>}
    </section>
  );
}
