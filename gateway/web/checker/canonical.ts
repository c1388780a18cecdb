/** Canonical JSON, RFC 8785, for values without fractions: JSON.stringify with its keys in order. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** JavaScript compares strings by UTF-16 code units, which is the order that the RFC asks for. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = value as { readonly [name: string]: Json };
  return `{${Object.keys(fields).sort().map((name) => `${JSON.stringify(name)}:${canonical(fields[name] as Json)}`).join(",")}}`;
}
