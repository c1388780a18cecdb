/** Parts that both sides of a group buy are made of: seats as dots, a question before something that cannot be undone. */

import type { DealStep, TeamView } from "@sdk";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { strings } from "../../shared/strings";
import { Words } from "../../shared/words";
import { free } from "./standing";

const words = strings.deal;

/** Paid, filled by the shop, held, free: for the eye; the words beside it say the same. */
export function Dots({ team }: { team: TeamView }) {
  const kinds = [...fill("paid", team.paid), ...fill("waived", team.waived), ...fill("held", team.held), ...fill("free", free(team))];
  return <span class="deal-dots" aria-hidden="true">{kinds.map((kind, at) => <i key={at} class={kind} />)}</span>;
}

const fill = (kind: string, times = 0) => Array<string>(times).fill(kind);

/** "2 of 3 seats are taken · 1 paid · 1 seat was filled by the shop". */
export function seatsText({ size, held = 0, paid = 0, waived = 0 }: TeamView): string {
  const said = [words.seats(held + paid + waived, size)];
  if (paid) said.push(words.paidOf(paid));
  if (waived) said.push(words.waived(waived));
  return said.join(" · ");
}

/** How many people a team is, and how long it has. */
export function teamRule(steps: readonly DealStep[], lifeS: number): string {
  const [least, size] = [steps[0]?.people ?? 0, steps[steps.length - 1]?.people ?? 0];
  return least === size ? words.rules.team(size, words.span(lifeS)) : words.rules.upTo(least, size, words.span(lifeS));
}

/** Names of those who chose to be seen, and how many more sit there; and what else is to be said of the team. */
export function Names({ team, also }: { team: TeamView; also?: string | undefined }) {
  const names = team.names ?? [];
  const people = (team.held ?? 0) + (team.paid ?? 0);
  if (names.length === 0 && !also) return null;
  return (
    <p class="faint">
      {names.length > 0 && <Words>{words.namesAnd(names.join(", "), people - names.length)}</Words>}
      {names.length > 0 && also && " · "}
      {also}
    </p>
  );
}

interface AskProps {
  readonly text: ComponentChildren;
  readonly go: string;
  readonly stop?: string;
  /** Label of the reason that is asked for; left out: none is. */
  readonly why?: string;
  readonly busy: boolean;
  readonly onGo: (why: string) => void;
  readonly onStop: () => void;
}

/** A question before something that cannot be undone. The safe answer has the focus, or the reason that is asked for. */
export function Ask({ text, go, stop = strings.cancel, why, busy, onGo, onStop }: AskProps) {
  const [reason, setReason] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    onGo(reason.trim());
  };
  return (
    <div class="deal-ask" role="alertdialog" aria-label={go} onKeyDown={(event) => event.key === "Escape" && onStop()}><form onSubmit={submit}>
      <p>{text}</p>
      {why !== undefined && <label>{why}<input value={reason} onInput={(event) => setReason(event.currentTarget.value)} maxLength={200} required dir="auto" autofocus /></label>}
      <div class="buttons">
        <button type="submit" class="primary" disabled={busy || (why !== undefined && !reason.trim())}>{go}</button>
        <button type="button" class="quiet" onClick={onStop} autofocus={why === undefined}>{stop}</button>
      </div>
    </form></div>
  );
}
