import { signal } from "@preact/signals";
import { render } from "preact";
import type { CellOutput } from "../../../playground/src/outputs/cell-output.js";
import { OutputArea } from "../../../playground/src/outputs/output-area.js";

const outputs = signal<readonly CellOutput[]>([]);
const running = signal(false);

/** What the tests say to the page. */
export interface Harness {
  show: (outputs: readonly CellOutput[], running?: boolean) => void;
  /** What {@link show} was given last. */
  shown: () => readonly CellOutput[];
  /** What the page was asked to fetch. */
  loaded: string[];
}

declare global {
  interface Window {
    harness: Harness;
  }
}

const loaded: string[] = [];

window.harness = {
  show: (next, isRunning = false) => {
    outputs.value = next;
    running.value = isRunning;
  },
  shown: () => outputs.value,
  loaded,
};

function Harnessed() {
  return (
    <OutputArea
      outputs={outputs.value}
      running={running.value}
      label="Output of cell 1"
      loadArtifact={async (href, signal) => {
        loaded.push(href);
        const response = await fetch(href, { signal });
        if (!response.ok) throw new Error(`The gateway answered ${response.status}`);
        return response.blob();
      }}
    />
  );
}

const element = document.getElementById("outputs");
if (element) render(<Harnessed />, element);
