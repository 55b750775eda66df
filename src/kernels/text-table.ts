/** A cell of a table, as it stands in its row. */
export interface TableCell {
  text: string;
  /** How many columns and rows it takes; the rest of them stay empty. */
  columns: number;
  rows: number;
}

/** A table with more rows is shown by its first and last ones. */
const ROWS_SHOWN = 50;
const FIRST_ROWS = 20;
const LAST_ROWS = 10;

/** The same for columns. */
const COLUMNS_SHOWN = 20;
const FIRST_COLUMNS = 14;
const LAST_COLUMNS = 6;

/** Cells that are longer lose their end. */
const CELL_LENGTH = 60;

/** A row's columns beyond these are not looked at, and not counted. */
export const MOST_COLUMNS = 500;

const HEADER_ROWS = 10;

const NUMBER = /^[-+−]?[\d,.\s]*\d(?:[eE][-+]?\d+)?\s?%?$/;

/** A table as aligned text. Rows are added as they come; of many, only those that will be shown are kept. */
export class TextTable {
  readonly #header: string[][] = [];
  readonly #first: string[][] = [];
  readonly #last: string[][] = [];
  /** Columns that a cell of an earlier row reaches into, and for how many more rows. */
  readonly #reaching: number[] = [];
  #rows = 0;
  #columns = 0;

  addHeader(cells: readonly TableCell[]): void {
    const row = this.#place(cells);
    if (this.#header.length < HEADER_ROWS) this.#header.push(row);
  }

  addRow(cells: readonly TableCell[]): void {
    const row = this.#place(cells);
    this.#rows += 1;
    if (this.#first.length < ROWS_SHOWN) {
      this.#first.push(row);
      return;
    }
    this.#last.push(row);
    if (this.#last.length > LAST_ROWS) this.#last.shift();
  }

  /** The table's lines. Where rows or columns are left out, the last line says how many there are. */
  toString(): string {
    const whole = this.#rows <= ROWS_SHOWN;
    const last = whole ? [] : [...this.#first.slice(FIRST_ROWS), ...this.#last].slice(-LAST_ROWS);
    const first = whole ? this.#first : this.#first.slice(0, FIRST_ROWS);
    const columns = this.#shownColumns();
    const rows = [...this.#header, ...first, ...last].map((row) =>
      columns.map((column) => (column === null ? "…" : (row[column] ?? ""))),
    );
    const body = rows.slice(this.#header.length);
    const widths = columns.map((_, index) =>
      Math.max(...rows.map((row) => row[index]?.length ?? 0), 0),
    );
    const numeric = columns.map((_, index) =>
      body.every((row) => row[index] === "" || NUMBER.test(row[index] ?? "")),
    );
    const lines = rows.map((row) =>
      row
        .map((cell, index) =>
          numeric[index] === true
            ? cell.padStart(widths[index] ?? 0)
            : cell.padEnd(widths[index] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    );
    if (!whole) lines.splice(this.#header.length + FIRST_ROWS, 0, "…");
    if (!whole || this.#columns > COLUMNS_SHOWN) {
      const more = this.#columns < MOST_COLUMNS ? "" : " or more";
      lines.push(`[${this.#rows} rows × ${this.#columns} columns${more} in all]`);
    }
    return lines.join("\n");
  }

  #place(cells: readonly TableCell[]): string[] {
    const row: string[] = [];
    const skipReached = () => {
      for (let left = this.#reaching[row.length] ?? 0; left > 0;) {
        this.#reaching[row.length] = left - 1;
        row.push("");
        left = this.#reaching[row.length] ?? 0;
      }
    };
    for (const { text, columns, rows } of cells) {
      skipReached();
      const short = text.length > CELL_LENGTH ? `${text.slice(0, CELL_LENGTH - 1)}…` : text;
      for (let index = 0; index < columns && row.length < MOST_COLUMNS; index += 1) {
        this.#reaching[row.length] = rows - 1;
        row.push(index === 0 ? short.toWellFormed() : "");
      }
    }
    skipReached();
    this.#columns = Math.max(this.#columns, row.length);
    return row;
  }

  /** Indexes of the columns that are shown; `null` stands for those that are not. */
  #shownColumns(): (number | null)[] {
    const all = Array.from({ length: this.#columns }, (_, index) => index);
    if (this.#columns <= COLUMNS_SHOWN) return all;
    return [...all.slice(0, FIRST_COLUMNS), null, ...all.slice(-LAST_COLUMNS)];
  }
}
