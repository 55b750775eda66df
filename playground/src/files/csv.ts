/** The first rows of comma-separated values. */
export interface CsvTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** There are more rows, or columns, than these. */
  readonly hasMoreRows: boolean;
  readonly hasMoreColumns: boolean;
}

const DELIMITERS = [",", ";", "\t", "|"];

/** What the first line has most of, outside of quotes. */
function delimiterOf(text: string): string {
  const line =
    text
      .slice(0, 10_000)
      .replace(/"(?:[^"]|"")*"/g, "")
      .split(/\r?\n/, 1)[0] ?? "";
  const counts = DELIMITERS.map((delimiter) => line.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ",";
}

/** Records as RFC 4180 has them, with any delimiter and line end; at most `limit`. */
function recordsOf(text: string, delimiter: string, limit: number): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let at = 0;
  while (at < text.length && records.length < limit) {
    let field: string;
    if (text[at] === '"') {
      const closing = /"(?:[^"]|"")*(?:"|$)/y;
      closing.lastIndex = at;
      const quoted = closing.exec(text)?.[0] ?? "";
      field = quoted.replace(/^"|"$/g, "").replaceAll('""', '"');
      at += quoted.length;
    } else {
      field = "";
    }
    const start = at;
    while (at < text.length && text[at] !== delimiter && text[at] !== "\n" && text[at] !== "\r")
      at += 1;
    record.push(field + text.slice(start, at));
    if (at < text.length && text[at] === delimiter) {
      at += 1;
      if (at < text.length) continue;
      record.push("");
    }
    if (text[at] === "\r") at += 1;
    if (text[at] === "\n") at += 1;
    if (record.length > 1 || record[0] !== "") records.push(record);
    record = [];
  }
  return records;
}

/**
 * Reads the beginning of a file of separated values; its first record is the header. A text that is not whole may end
 * within a record, which is left out.
 */
export function readCsv(
  source: string,
  { rows, columns, isWhole }: { rows: number; columns: number; isWhole: boolean },
): CsvTable {
  const text = source.replace(/^\uFEFF/, "");
  const all = recordsOf(text, delimiterOf(text), rows + 2);
  const records = !isWhole && all.length <= rows + 1 && all.length > 1 ? all.slice(0, -1) : all;
  const [header = [], ...body] = records;
  const width = Math.max(...records.map((record) => record.length), 0);
  return {
    header: header.slice(0, columns),
    rows: body.slice(0, rows).map((record) => record.slice(0, columns)),
    hasMoreRows: body.length > rows || !isWhole,
    hasMoreColumns: width > columns,
  };
}
