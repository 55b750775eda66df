import type { AnsiStyle } from "./ansi-style.js";
import { segmentsOf, type TerminalRow } from "./terminal-row.js";
import "./ansi-style.css";

/** A colour on a background of its own is the program's business; others are made readable by their class. */
function ownColor({ color, background }: AnsiStyle): string | undefined {
  return background === undefined ? undefined : color;
}

/** A row of text in its colours. Colours without a name are set by script, which the page's CSP lets pass. */
export function TerminalLine({ row }: { row: TerminalRow }) {
  if (typeof row === "string") return <div class="terminal-line">{row}</div>;
  return (
    <div class="terminal-line">
      {segmentsOf(row).map(({ text, style }, index) =>
        style === undefined ? (
          text
        ) : (
          <span
            key={index}
            class={style.classes}
            style={{
              "--own": style.color,
              color: ownColor(style),
              backgroundColor: style.background,
            }}
          >
            {text}
          </span>
        ),
      )}
    </div>
  );
}
