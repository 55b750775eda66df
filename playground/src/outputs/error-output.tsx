import { useState } from "preact/hooks";
import { CopyButton } from "./copy-button.js";
import { counted } from "./counted.js";
import { stripEscapes } from "../../../src/kernels/terminal-text.js";
import { TerminalLine } from "./terminal-line.js";
import { useTerminal } from "./use-terminal.js";
import "./error-output.css";

/** A longer traceback shows its first and its last rows: where it was called from here, and where it failed. */
const FOLDED_FROM = 28;
const FIRST_ROWS = 8;
const LAST_ROWS = 12;

const MOST_ROWS = 2000;

interface ErrorOutputProps {
  ename: string;
  evalue: string;
  traceback: readonly string[];
}

/** An exception: its traceback, whose last line names it, or its name alone. */
export function ErrorOutput({ ename, evalue, traceback }: ErrorOutputProps) {
  const name = evalue === "" ? ename : `${ename}: ${evalue}`;
  const text = traceback.length > 0 ? traceback.join("\n") : name;
  const screen = useTerminal(text);
  const [unfolded, setUnfolded] = useState(false);

  const rows = Array.from({ length: screen.rowCount }, (_, index) => index);
  const long = rows.length > FOLDED_FROM;
  const shown = unfolded ? rows.slice(-MOST_ROWS) : long ? rows.slice(0, FIRST_ROWS) : rows;
  const end = long && !unfolded ? rows.slice(-LAST_ROWS) : [];
  const line = (index: number) => <TerminalLine key={index} row={screen.row(index)} />;

  return (
    <div class="error-output" role="group" aria-label={`Error: ${name.slice(0, 200)}`}>
      <div class="terminal-text terminal-text-wrapped" tabIndex={-1}>
        {shown.map(line)}
        {end.length > 0 && (
          <button type="button" class="error-output-fold" onClick={() => setUnfolded(true)}>
            Show {counted(rows.length - shown.length - end.length, "more line")}
          </button>
        )}
        {end.map(line)}
      </div>
      <div class="output-footer">
        {unfolded && (
          <button type="button" class="output-button" onClick={() => setUnfolded(false)}>
            Show less
          </button>
        )}
        <CopyButton text={() => stripEscapes(text)} />
      </div>
    </div>
  );
}
