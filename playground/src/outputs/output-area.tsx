import { memo } from "./memo.js";
import type { CellOutput, LoadArtifact } from "./cell-output.js";
import { ErrorOutput } from "./error-output.js";
import { RichOutput } from "./rich-output.js";
import { TextOutput } from "./text-output.js";
import "./output-area.css";

export interface OutputAreaProps {
  outputs: readonly CellOutput[];
  /** What the region is called to those who do not see it: "Output of cell 3". */
  label: string;
  /** Whether the cell is still running: long text then follows its end. */
  running?: boolean;
  /** Needed for values that were too large for their events; without it they are named only. */
  loadArtifact?: LoadArtifact;
}

/** What a cell shows below its source. */
export function OutputArea({ outputs, label, running = false, loadArtifact }: OutputAreaProps) {
  if (outputs.length === 0) return null;
  return (
    <div class="output-area" role="group" aria-label={label}>
      {outputs.map((output) => (
        <SingleOutput
          key={output.key}
          output={output}
          running={running}
          loadArtifact={loadArtifact}
        />
      ))}
    </div>
  );
}

interface SingleOutputProps {
  output: CellOutput;
  running: boolean;
  loadArtifact: LoadArtifact | undefined;
}

/** Drawn again only when its output is another object. */
const SingleOutput = memo(
  ({ output, running, loadArtifact }: SingleOutputProps) => {
    switch (output.output_type) {
      case "stream":
        return (
          <TextOutput
            text={output.text}
            label={output.name === "stderr" ? "Standard error" : "Standard output"}
            running={running}
            class={output.name === "stderr" ? "text-output-stderr" : ""}
          />
        );
      case "error":
        return (
          <ErrorOutput ename={output.ename} evalue={output.evalue} traceback={output.traceback} />
        );
      case "display_data":
      case "execute_result":
        return <RichOutput output={output} loadArtifact={loadArtifact} />;
    }
  },
  (before, after) => before.output === after.output && before.running === after.running,
);
