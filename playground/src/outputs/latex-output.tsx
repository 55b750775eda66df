import { useEffect, useMemo, useRef } from "preact/hooks";
import { latexParts } from "./latex-part.js";
import "./latex-output.css";

/** KaTeX takes time that grows with a formula's length. */
const LONGEST_FORMULA = 20_000;

/** Text with formulas; a formula that cannot be drawn stays as its source. */
export function LatexOutput({ source }: { source: string }) {
  const parts = useMemo(() => latexParts(source), [source]);
  return (
    <div class="latex-output">
      {parts.map((part, index) =>
        part.kind === "text" ? (
          <span key={index}>{part.text}</span>
        ) : (
          <Formula key={`${index} ${part.latex}`} latex={part.latex} display={part.display} />
        ),
      )}
    </div>
  );
}

function Formula({ latex, display }: { latex: string; display: boolean }) {
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    let current = true;
    // Without KaTeX the source stands where the formula would.
    import("../markdown/typeset-math.js").then(
      ({ typesetMath }) => current && element.current && typesetMath(element.current, display),
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [latex, display]);
  return (
    <code ref={element} class={display ? "formula formula-display" : "formula"}>
      {latex.slice(0, LONGEST_FORMULA)}
    </code>
  );
}
