import type { WriteStream } from "node:tty";
import type { ImageProgress } from "../images/image-progress.js";

/** How often a terminal's line is rewritten, and how often a log gets a line within one step. */
const TERMINAL_MS = 100;
const LOG_MS = 5_000;

export interface ProgressPrinter {
  show: (progress: ImageProgress) => void;
  /** Leaves the last line standing. Idempotent. */
  done: () => void;
}

function line({ step, detail, fraction }: ImageProgress): string {
  const percent = fraction === undefined ? "" : ` ${Math.round(fraction * 100)} %`;
  return `${step}${percent}${detail === undefined ? "" : `: ${detail}`}`;
}

/** Shows progress: one line that changes on a terminal, a line a step (and one now and then) elsewhere. */
export function progressPrinter(stream: WriteStream | NodeJS.WriteStream): ProgressPrinter {
  const terminal = stream.isTTY;
  let step = "";
  let shownAt = 0;
  let open = false;
  return {
    show: (progress) => {
      const now = Date.now();
      const isNew = progress.step !== step;
      if (!isNew && now - shownAt < (terminal ? TERMINAL_MS : LOG_MS)) return;
      step = progress.step;
      shownAt = now;
      const text = line(progress).replace(/\p{Cc}/gu, " ");
      if (terminal) {
        stream.write(
          `${isNew && open ? "\n" : "\r\u001b[K"}${text.slice(0, (stream.columns || 80) - 1)}`,
        );
        open = true;
      } else stream.write(`${text}\n`);
    },
    done: () => {
      if (open) stream.write("\n");
      open = false;
      step = "";
    },
  };
}
