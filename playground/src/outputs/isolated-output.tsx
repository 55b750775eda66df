import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { IsolatedFrame } from "./isolated-frame.js";

interface IsolatedOutputProps {
  mime: string;
  value: unknown;
  /** What stands for the value if it cannot be shown. */
  otherwise?: ComponentChildren;
}

interface Ending {
  readonly value: unknown;
  readonly words: string;
}

/** An output that can run code, in its frame, or what became of it. Another value has another chance. */
export function IsolatedOutput({ mime, value, otherwise }: IsolatedOutputProps) {
  const [ending, setEnding] = useState<Ending>();
  if (ending === undefined || ending.value !== value) {
    const end = (words: string) => setEnding({ value, words });
    return (
      <IsolatedFrame
        // Code of an earlier value may still run in its frame; charts are drawn anew in the same one.
        key={typeof value === "string" ? value : mime}
        mime={mime}
        value={value}
        onLeft={() => end("This output tried to open another page in its place. It was stopped.")}
        onFailed={(reason) => end(`This output could not be shown: ${reason}`)}
      />
    );
  }
  return (
    <div class="isolated-output">
      <p class="output-note" role="note">
        {ending.words}
      </p>
      {otherwise}
    </div>
  );
}
