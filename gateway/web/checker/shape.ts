/** Shapes: what a value read from JSON must look like, strictly: no field more, none less. */

export class Malformed extends Error {}

/** Checks a value that stands at `path`; throws Malformed. */
export type Shape = (value: unknown, path: string) => void;

const refuse = (path: string, wanted: string): never => {
  throw new Malformed(`${path || "it"} must be ${wanted}`);
};

export const whole = (least: number, most = Number.MAX_SAFE_INTEGER): Shape => (value, path) => {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) refuse(path, `a whole number from ${least} to ${most}`);
};

/** Text of so many code points, without NUL and without halves of a pair. */
export const text = (least: number, most: number): Shape => (value, path) => {
  if (typeof value !== "string" || /[\0\p{Surrogate}]/u.test(value)) return refuse(path, "text");
  const length = [...value].length;
  if (length < least || length > most) refuse(path, `text of ${least} to ${most} characters`);
};

export const matching = (pattern: RegExp, what: string): Shape => (value, path) => {
  if (typeof value !== "string" || !pattern.test(value)) refuse(path, what);
};

export const digits = (bytes: number): Shape => matching(new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `${bytes} bytes in hexadecimal`);

export const flag: Shape = (value, path) => {
  if (typeof value !== "boolean") refuse(path, "true or false");
};

export const among = (...values: readonly unknown[]): Shape => (value, path) => {
  if (!values.includes(value)) refuse(path, `one of ${values.join(", ")}`);
};

export const maybe = (shape: Shape): Shape => (value, path) => {
  if (value !== null) shape(value, path);
};

export const list = (shape: Shape, least = 0, most = Number.POSITIVE_INFINITY): Shape => (value, path) => {
  if (!Array.isArray(value) || value.length < least || value.length > most) return refuse(path, `a list of ${least} to ${most}`);
  value.forEach((item, index) => shape(item, `${path}[${index}]`));
};

export const pair = (first: Shape, second: Shape): Shape => (value, path) => {
  if (!Array.isArray(value) || value.length !== 2) return refuse(path, "a list of two");
  first(value[0], `${path}[0]`);
  second(value[1], `${path}[1]`);
};

/** An object with all of the first, and any of the second that came with a later version. */
export const fields = (needed: Readonly<Record<string, Shape>>, later: Readonly<Record<string, Shape>> = {}): Shape => {
  const shapes = { ...needed, ...later };
  return (value, path) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return refuse(path, "an object");
    const given = value as Record<string, unknown>;
    for (const name of Object.keys(given)) if (!Object.hasOwn(shapes, name)) throw new Malformed(`${path}.${name} is unknown`);
    for (const name of Object.keys(needed)) if (!Object.hasOwn(given, name)) throw new Malformed(`${path}.${name} is missing`);
    for (const name of Object.keys(given)) (shapes[name] as Shape)(given[name], `${path}.${name}`);
  };
};

/** An object whose field `name` tells which of several shapes it has. */
export const tagged = (name: string, shapes: Readonly<Record<string, Shape>>): Shape => (value, path) => {
  const tag = value !== null && typeof value === "object" ? (value as Record<string, unknown>)[name] : undefined;
  if (typeof tag !== "string" || !Object.hasOwn(shapes, tag)) return refuse(`${path}.${name}`, `one of ${Object.keys(shapes).join(", ")}`);
  (shapes[tag] as Shape)(value, path);
};
