/** Progress: each step with its tick or cross as it is taken. */

import { Check, Close } from "../shared/icons";
import { type Step, type StepName, STEPS } from "./steps";
import { words } from "./words";

const NAMES = Object.keys(STEPS) as StepName[];
const MARKS = { ok: <Check />, failed: <Close />, not_covered: <span class="dash" aria-hidden="true">–</span> };

function Row({ name, step, state, badge }: { name: StepName; step: Step | undefined; state: "now" | "ahead" | "skipped"; badge: boolean }) {
  const result = step?.result ?? state;
  const said = step ? words.result[step.result] : state === "skipped" ? words.skipped : words.pending;
  return (
    <li class={`step ${result}`} data-step={name} data-result={result}>
      <span class="mark">{step ? MARKS[step.result] : <span class="dot" aria-hidden="true" />}</span>
      <div>
        <p class="step-title">{STEPS[name]}<span class="visually-hidden">: {said}</span></p>
        {step && badge && step.result !== "failed" && (
          <span class={`badge ${step.result}`}>{step.result === "ok" ? words.witnessed : words.notWitnessed}</span>
        )}
        {step && <p class="step-text">{step.text}</p>}
      </div>
    </li>
  );
}

/** `winners`: the draw has some, or will: when its root came out matters. */
export function Progress({ steps, now, winners }: { steps: readonly Step[]; now: StepName | null; winners: boolean }) {
  const taken = new Map(steps.map((step) => [step.name, step]));
  const failed = steps.some(({ result }) => result === "failed");
  return (
    <section class="panel">
      <h2>{words.steps}</h2>
      <ol class="steps">
        {NAMES.map((name) => <Row key={name} name={name} step={taken.get(name)} state={failed ? "skipped" : name === now ? "now" : "ahead"} badge={winners && name === "publication"} />)}
      </ol>
    </section>
  );
}
