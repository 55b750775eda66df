/** A number with its noun: "1 line", "100,000 lines". */
export function counted(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** A size for people: "512 bytes", "12 kB", "1.5 MB". */
export function byteSize(bytes: number): string {
  if (bytes < 1000) return counted(bytes, "byte");
  const [unit, size] = bytes < 1_000_000 ? ["kB", bytes / 1000] : ["MB", bytes / 1_000_000];
  return `${size < 10 ? size.toFixed(1) : Math.round(size).toLocaleString("en")} ${unit}`;
}
