/** Away: claimed prizes whose card this viewer has put away. A browser that keeps nothing shows them again. */

const NAME = "livestream.draw.away";
const MOST = 50;

export function away(): readonly string[] {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "[]") as string[];
  } catch {
    return [];
  }
}

/** Gives all that are away now. */
export function putAway(draw: string): readonly string[] {
  const all = [...away().filter((each) => each !== draw), draw].slice(-MOST);
  try {
    localStorage.setItem(NAME, JSON.stringify(all));
  } catch {
    // private mode, or full
  }
  return all;
}
