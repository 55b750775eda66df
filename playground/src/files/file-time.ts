const TIME = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const YEAR = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric" });

/** When a file was changed, as short as it can be told: the time today, the day this year, else the month. */
export function fileTimeWords(modifiedAt: string, now: Date): string {
  const time = new Date(modifiedAt);
  if (time.toDateString() === now.toDateString()) return TIME.format(time);
  return (time.getFullYear() === now.getFullYear() ? DAY : YEAR).format(time);
}
