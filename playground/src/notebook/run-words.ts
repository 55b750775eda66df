import type { RunState } from "./cell.js";

/** How a run stands, in a few words. */
export function runWords(run: RunState): string {
  switch (run.phase) {
    case "idle":
      return "Not run";
    case "queued":
      return "Queued";
    case "running":
      return "Running";
    case "finished":
      return run.detail ?? (run.status === "ok" ? "Done" : "Failed");
  }
}
