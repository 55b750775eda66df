import type { OnImageProgress } from "../images/image-progress.js";
import type { ProgressPrinter } from "./progress-printer.js";

/** A start that is over before this is not worth a word, in milliseconds. */
const WORTH_A_WORD_MS = 1_000;

/** Shows progress only of what takes long, and then what it is at. */
export function lateProgress(
  printer: ProgressPrinter,
  afterMs = WORTH_A_WORD_MS,
): { show: OnImageProgress; done: () => void } {
  let latest: Parameters<OnImageProgress>[0] | undefined;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    if (latest !== undefined) printer.show(latest);
  }, afterMs);
  timer.unref();
  return {
    show: (progress) => {
      latest = progress;
      if (late) printer.show(progress);
    },
    done: () => {
      clearTimeout(timer);
      printer.done();
    },
  };
}
