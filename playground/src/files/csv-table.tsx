import { useMemo } from "preact/hooks";
import { readCsv } from "./csv.js";

const ROWS = 100;
const COLUMNS = 50;

const NUMBER = /^[-+]?(?:\d[\d,_ ]*\.?\d*|\.\d+)(?:e[-+]?\d+)?%?$/i;

/** Separated values as a table, as far as they are shown. */
export function CsvTable({
  text,
  name,
  isWhole,
}: {
  text: string;
  name: string;
  isWhole: boolean;
}) {
  const table = useMemo(
    () => readCsv(text, { rows: ROWS, columns: COLUMNS, isWhole }),
    [text, isWhole],
  );
  if (table.header.length === 0) return <p class="muted">The file is empty.</p>;
  const cut = [
    table.hasMoreRows && `${table.rows.length} rows`,
    table.hasMoreColumns && `${COLUMNS} columns`,
  ].filter((words) => words !== false);
  return (
    <>
      <div class="csv-scroller" role="region" aria-label={`Table of ${name}`} tabIndex={0}>
        <table class="csv-table">
          <thead>
            <tr>
              {table.header.map((cell, index) => (
                <th key={index} scope="col">
                  {cell}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.map((row, index) => (
              <tr key={index}>
                {row.map((cell, column) => (
                  <td key={column} class={NUMBER.test(cell.trim()) ? "csv-number" : undefined}>
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {cut.length > 0 && <p class="muted">The first {cut.join(" and ")} are shown.</p>}
    </>
  );
}
