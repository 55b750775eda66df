import { format, type Result } from "./benchmark.js";

const COLUMNS = [
  "runtime",
  "what",
  "target",
  "median",
  "p95",
  "baseline",
  "ratio",
  "verdict",
] as const;

function cells(result: Result): string[] {
  const { unit, baseline } = result;
  return [
    result.runtime,
    result.what,
    result.target ?? "–",
    `${format(result.median)} ${unit}`,
    result.samples > 1 ? `${format(result.p95)} ${unit}` : "–",
    baseline === null ? "–" : `${format(baseline.median)} ${unit} (${baseline.what})`,
    result.ratio === null ? "–" : `${format(result.ratio)} ×`,
    result.verdict ?? "–",
  ];
}

/** The results as a Markdown table whose columns line up, and what one must know to read them. */
export function table(results: readonly Result[]): string {
  const rows = [[...COLUMNS], ...results.map(cells)];
  const widths = COLUMNS.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`,
  );
  lines.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  const notes = results.filter((result) => result.note !== null);
  if (notes.length > 0)
    lines.push("", ...new Set(notes.map(({ what, note }) => `${what}: ${note ?? ""}.`)));
  return `${lines.join("\n")}\n`;
}
