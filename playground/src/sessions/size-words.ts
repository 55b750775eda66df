const UNITS = ["B", "KB", "MB", "GB", "TB"] as const;

/** A size as people read it, in units of 1024: `2 GB`, `1.5 MB`. */
export function sizeWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const text = value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
  return `${text.replace(/\.0$/, "")} ${UNITS[unit] ?? ""}`;
}
