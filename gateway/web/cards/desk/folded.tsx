/** Folded: a form of an operator's that stays behind a button until it is wanted. Escape folds it. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

interface Props {
  readonly begin: string;
  readonly label: string;
  readonly close: string;
  /** What is inside; made anew each time it opens. */
  readonly children: () => ComponentChildren;
}

export function Folded({ begin, label, close, children }: Props) {
  const [open, setOpen] = useState(false);
  if (!open) return <div class="card-tool"><button type="button" class="quiet" onClick={() => setOpen(true)}>{begin}</button></div>;
  return (
    <section class="card form" aria-label={label} onKeyDown={(event) => event.key === "Escape" && setOpen(false)}>
      <span class="card-title">{label}</span>
      {children()}
      <button type="button" class="quiet" onClick={() => setOpen(false)}>{close}</button>
    </section>
  );
}
