/** Fields of the form that sets up a draw. */

import type { Draft } from "./plan";

export interface Editing {
  readonly draft: Draft;
  readonly set: (changes: Partial<Draft>) => void;
}

/** Names of the fields of a draft that hold such a value. */
type Of<Value> = { [Field in keyof Draft]: Value extends Draft[Field] ? Field : never }[keyof Draft];
type TextField = Of<string>;
type TickField = { [Field in keyof Draft]: Draft[Field] extends boolean ? Field : never }[keyof Draft];

type TextProps = Editing & { field: TextField; label: string; required?: boolean; maxLength?: number; pattern?: string; placeholder?: string; autofocus?: boolean };

export function Text({ draft, set, field, label, ...more }: TextProps) {
  return <label>{label}<input value={draft[field]} dir="auto" onInput={(event) => set({ [field]: event.currentTarget.value })} {...more} /></label>;
}

type NumberProps = Editing & { field: TextField; label: string; most: number; least?: number; disabled?: boolean };

export function Num({ draft, set, field, label, most, least = 0, disabled = false }: NumberProps) {
  return (
    <label>{label}
      <input type="number" inputMode="numeric" min={least} max={most} value={draft[field]} disabled={disabled} onInput={(event) => set({ [field]: event.currentTarget.value })} />
    </label>
  );
}

export function Tick({ draft, set, field, label }: Editing & { field: TickField; label: string }) {
  return (
    <label class="draw-tick">
      <input type="checkbox" checked={draft[field]} onChange={(event) => set({ [field]: event.currentTarget.checked })} /> <span>{label}</span>
    </label>
  );
}
