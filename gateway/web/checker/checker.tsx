/**
 * Checker: checks one draw where it stands and shows each step. Used by the page `/check`; any card may show it too.
 *
 * `document` is the proof's text. `mine` is what the viewer has besides; what their browser kept is looked up otherwise.
 */

import { useEffect, useMemo, useState } from "preact/hooks";
import { Check, Close } from "../shared/icons";
import { Words } from "../shared/words";
import { check, type Mine } from "./check";
import { type Placed, type Proof, readProof } from "./document";
import { kept } from "./kept";
import { notProven } from "./limits";
import { Progress } from "./progress";
import { saveReceipt } from "./save";
import { type Step, type StepName, STEPS } from "./steps";
import { Winners } from "./winners";
import { words } from "./words";
import "./checker.css";

interface Checking {
  readonly steps: readonly Step[];
  readonly now: StepName | null;
  readonly done: boolean;
}

const BEFORE: Checking = { steps: [], now: null, done: false };

/** Runs a check while its component is there. */
function useCheck(document: string, mine: Mine): Checking {
  const [state, setState] = useState(BEFORE);
  useEffect(() => {
    let gone = false;
    setState(BEFORE);
    void (async () => {
      const taken: Step[] = [];
      const begin = (now: StepName) => {
        performance.mark(`draw-check ${now}`); // the benchmark reads them
        if (!gone) setState({ steps: [...taken], now, done: false });
      };
      for await (const step of check(document, mine, begin)) {
        if (gone) return;
        taken.push(step);
      }
      performance.mark("draw-check ends");
      if (!gone) setState({ steps: taken, now: null, done: true });
    })();
    return () => {
      gone = true;
    };
  }, [document, mine]);
  return state;
}

function readable(document: string): Proof | undefined {
  try {
    return readProof(document);
  } catch {
    return undefined; // the first step says why
  }
}

function Verdict({ proof, steps, done }: { proof: Proof | undefined } & Checking) {
  const failed = steps.find(({ result }) => result === "failed");
  if (!done) return <div class="verdict" role="status"><span class="spinner" aria-hidden="true" />{words.working(steps.length + 1, Object.keys(STEPS).length)}</div>;
  const { title, text } = words.verdict[failed ? "failed" : (proof?.outcome ?? "failed")];
  return (
    <div class={`verdict ${failed ? "failed" : "ok"}`} role="status" data-testid="verdict">
      {failed ? <Close /> : <Check />}
      <div>
        <b>{title}</b>
        {failed && <p>{words.failing} <b>“{STEPS[failed.name]}”</b></p>}
        {failed && <p class="step-text">{failed.text}</p>}
        <p>{text}</p>
      </div>
    </div>
  );
}

function Yours({ mine, step }: { mine: Mine; step: Step | undefined }) {
  return (
    <section class="panel">
      <h2>{words.yours}</h2>
      {mine.receipt ? <p class="id">{words.yoursIs(mine.receipt.entry_id)}</p> : <p class="faint">{words.yoursNone}</p>}
      {mine.receipt && step && <p class={`result ${step.result}`}>{words.result[step.result]}: {step.text}</p>}
      {mine.inclusion && <Way placed={mine.inclusion} />}
      {mine.receipt && <button type="button" class="quiet" onClick={() => saveReceipt(mine)}>{words.save}</button>}
    </section>
  );
}

/** The inclusion proof: what the entry is hashed with, up to the root. */
function Way({ placed }: { placed: Placed }) {
  return (
    <details class="way">
      <summary>{words.way(placed.index + 1, placed.count, placed.path.length)}</summary>
      <ol>{placed.path.map((hash, level) => <li key={level}><code>{hash}</code></li>)}</ol>
      <p class="faint">{words.root} <code>{placed.root}</code></p>
    </details>
  );
}

export function Checker({ document, mine: given }: { document: string; mine?: Mine }) {
  const proof = useMemo(() => readable(document), [document]);
  const mine = useMemo<Mine>(() => ({ ...(proof && kept(proof.draw_id)), ...given }), [proof, given]);
  const checking = useCheck(document, mine);
  return (
    <div class="checker">
      {proof && (
        <header>
          <h1><Words>{proof.rules.title}</Words></h1>
          <p class="faint">
            <Words>{words.by(proof.rules.organiser)}</Words> · {words.entries(proof.entries.length)}
            {proof.rules.rehearsal && <span class="badge not_covered">{words.rehearsal}</span>}
          </p>
        </header>
      )}
      <Verdict proof={proof} {...checking} />
      <Progress {...checking} winners={proof?.outcome === "drawn" || proof?.outcome === "closed"} />
      {proof && <Winners proof={proof} mine={mine.receipt?.entry_id} />}
      {proof && <Yours mine={mine} step={checking.steps.find(({ name }) => name === "receipt")} />}
      {proof && (
        <section class="panel">
          <h2>{words.limits}</h2>
          <ul class="limits">{notProven(proof).map((text) => <li key={text}>{text}</li>)}</ul>
          <p class="faint">{words.how} <code>{words.command}</code></p>
        </section>
      )}
    </div>
  );
}
