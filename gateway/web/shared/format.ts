/** Times and names as people read them. Pure. */

/** 125_000 → "02:05", 3_725_000 → "1:02:05". Never negative. */
export function clock(ms: number): string {
  const total = Math.max(0, Math.ceil(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const tail = `${two(minutes)}:${two(seconds)}`;
  return hours ? `${hours}:${tail}` : tail;
}

/** Time of day, "14:05". */
export function timeOfDay(at: number): string {
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** What a `datetime-local` field takes. */
export function localDateTime(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** An amount in the smallest unit, as people of this device write it. */
export function money(amount: number, { currency, exponent = 2 }: { currency: string; exponent?: number }): string {
  return new Intl.NumberFormat(undefined, { style: "currency", currency, minimumFractionDigits: exponent, maximumFractionDigits: exponent }).format(
    amount / 10 ** exponent,
  );
}

/** Length as the server counts it: characters, not UTF-16 halves. */
export function characters(text: string): number {
  return [...text].length;
}

/** First letter of a name, for its round badge. */
export function initial(name: string): string {
  const [first] = new Intl.Segmenter().segment(name.trim());
  return first?.segment.toUpperCase() ?? "·";
}

/** One of eight hues, always the same for one person. */
export function hue(pseudonym: string): number {
  let sum = 0;
  for (const character of pseudonym) sum = (sum * 31 + character.charCodeAt(0)) >>> 0;
  return sum % 8;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
