import { useState } from "preact/hooks";
import { CopyButton } from "./copy-button.js";
import { counted } from "./counted.js";
import { TerminalLine } from "./terminal-line.js";
import type { TerminalScreen } from "./terminal-screen.js";
import { useTerminal } from "./use-terminal.js";
import { WindowedRows } from "./windowed-rows.js";
import "./text-output.css";

/** Up to this many rows are shown as they are; more are folded into a scrolled region. */
const FOLDED_FROM = 32;

/** Up to this many rows are in the document when they are unfolded; more stay in a scrolled region, a larger one. */
const MOST_UNFOLDED = 400;

interface TextOutputProps {
  text: string;
  /** What a scrolled region is called: "Standard output". */
  label: string;
  running: boolean;
  class?: string;
}

/** Text as a terminal shows it; long text folded, with a count and a button. */
export function TextOutput({ text, label, running, class: name = "" }: TextOutputProps) {
  const screen = useTerminal(text);
  const [unfolded, setUnfolded] = useState(false);
  const rows = screen.rowCount;
  const long = rows > FOLDED_FROM;

  return (
    <div class={`text-output ${name}`}>
      {long && !(unfolded && rows <= MOST_UNFOLDED) ? (
        <WindowedRows
          count={rows}
          row={(index) => <TerminalLine key={screen.letGo + index} row={screen.row(index)} />}
          follow={running}
          label={`${label}, ${counted(rows, "line")}`}
          class={unfolded ? "terminal-text text-output-unfolded" : "terminal-text"}
        />
      ) : (
        <AllRows screen={screen} />
      )}
      {long && (
        <div class="output-footer">
          <span>
            {counted(rows + screen.letGo, "line")}
            {screen.letGo > 0 && `, the first ${counted(screen.letGo, "line")} left out`}
          </span>
          <button
            type="button"
            class="output-button"
            aria-expanded={unfolded}
            onClick={() => setUnfolded(!unfolded)}
          >
            {unfolded ? "Show less" : "Show more"}
          </button>
          <CopyButton text={() => text} />
        </div>
      )}
    </div>
  );
}

function AllRows({ screen }: { screen: TerminalScreen }) {
  return (
    <div class="terminal-text terminal-text-wrapped">
      {Array.from({ length: screen.rowCount }, (_, index) => (
        <TerminalLine key={index} row={screen.row(index)} />
      ))}
    </div>
  );
}
