/** Prizes in tiers: what is won, how many, and what one is worth. */

import type { Editing } from "./fields";
import { Text } from "./fields";
import { say } from "./host-words";
import type { Tier } from "./plan";

const MOST_TIERS = 10;
const MOST_OF_ONE = 200;

export function Tiers({ draft, set }: Editing) {
  const { tiers } = draft;
  const change = (place: number, changes: Partial<Tier>) => set({ tiers: tiers.map((each, at) => (at === place ? { ...each, ...changes } : each)) });
  const add = () => set({ tiers: [...tiers, { tier: say.tiers[tiers.length] ?? "", name: "", quantity: "1", value: "" }] });
  return (
    <fieldset>
      <legend>{say.prizes}</legend>
      {tiers.map((tier, place) => (
        <div class="draw-tier" key={place} role="group" aria-label={tier.tier || String(place + 1)}>
          <label>{say.tier}<input value={tier.tier} dir="auto" maxLength={200} required onInput={(event) => change(place, { tier: event.currentTarget.value })} /></label>
          <label class="wide">{say.prize}<input value={tier.name} dir="auto" maxLength={200} required onInput={(event) => change(place, { name: event.currentTarget.value })} /></label>
          <label>{say.quantity}<input type="number" inputMode="numeric" min={1} max={MOST_OF_ONE} value={tier.quantity} required onInput={(event) => change(place, { quantity: event.currentTarget.value })} /></label>
          <label>{say.value}<input type="number" inputMode="decimal" min={0} step="any" value={tier.value} required onInput={(event) => change(place, { value: event.currentTarget.value })} /></label>
          {tiers.length > 1 && <button type="button" class="quiet" aria-label={say.removeTier(place + 1)} onClick={() => set({ tiers: tiers.filter((_, at) => at !== place) })}>×</button>}
        </div>
      ))}
      <div class="draw-row">
        <Text draft={draft} set={set} field="currency" label={say.currency} maxLength={3} pattern="[A-Z]{3}" required />
        {tiers.length < MOST_TIERS && <button type="button" class="quiet" onClick={add}>{say.addTier}</button>}
      </div>
    </fieldset>
  );
}
