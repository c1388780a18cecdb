/** Sheet: what needs room of its own, over the page. Escape and the button close it; focus goes back to where it was. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Close } from "../../shared/icons";
import { Words } from "../../shared/words";
import { words } from "./words";

export function Sheet({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const cancel = (event: Event) => {
    event.preventDefault(); // it goes with its component, not by itself
    event.stopPropagation();
    onClose();
  };
  return (
    <dialog ref={dialog} class="draw-sheet" aria-label={title} onCancel={cancel} onClick={(event) => event.target === dialog.current && onClose()}>
      <div class="draw-sheet-body">
        <header>
          <h2><Words>{title}</Words></h2>
          <button type="button" class="quiet" aria-label={words.close} onClick={onClose}><Close /></button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
