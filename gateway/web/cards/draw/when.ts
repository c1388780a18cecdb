/** Moments as people of this device write them. */

const DAY: Intl.DateTimeFormatOptions = { day: "numeric", month: "long" };

/** "5 March 2027". */
export const day = (at: number): string => new Date(at).toLocaleDateString(undefined, { ...DAY, year: "numeric" });

/** "5 December at 14:05", with the year where it is another. */
export const moment = (at: number): string => {
  const year = new Date(at).getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" as const };
  return new Date(at).toLocaleString(undefined, { ...DAY, ...year, hour: "2-digit", minute: "2-digit" });
};
