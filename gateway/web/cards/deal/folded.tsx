/** Folded: something under a line that opens it; what is inside is made, and read, only while it is open. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export function Folded({ title, children }: { title: string; children: () => ComponentChildren }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="deal-folded" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {open && children()}
    </details>
  );
}
