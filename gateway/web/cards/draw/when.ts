/** Moments as people of this device write them. */

const DAY: Intl.DateTimeFormatOptions = { day: "numeric", month: "long", year: "numeric" };

/** "5 December 2026". */
export const day = (at: number): string => new Date(at).toLocaleDateString(undefined, DAY);

/** "5 December 2026 at 14:05". */
export const moment = (at: number): string => new Date(at).toLocaleString(undefined, { ...DAY, hour: "2-digit", minute: "2-digit" });
