import { useEffect, useState } from "preact/hooks";
import { Icon } from "../layout/icon.jsx";
import type { Cell } from "./cell.js";
import { durationWords } from "./duration.js";
import { runWords } from "./run-words.js";

/** Time since then, counted while it is shown. */
function Elapsed({ since }: { since: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 100);
    return () => clearInterval(timer);
  }, []);
  const elapsed = now - since;
  return (
    <>{elapsed < 400 ? "Running" : `Running ${durationWords(Math.floor(elapsed / 100) * 100)}`}</>
  );
}

/** What is said of a cell's run below its source: that it waits, how long it runs, how it ended. */
export function RunMark({ cell }: { cell: Cell }) {
  const run = cell.run.value;
  if (run.phase === "idle") return null;
  if (run.phase === "queued")
    return (
      <p class="run-mark">
        <span class="run-dot" /> Queued
      </p>
    );
  if (run.phase === "running")
    return (
      <p class="run-mark run-mark-running">
        <span class="spinner" /> <Elapsed since={run.since} />
      </p>
    );
  const { status, durationMs } = run;
  const isGood = status === "ok";
  const isBad = status === "error" || status === "timed_out" || status === "kernel_died";
  return (
    <p class={`run-mark ${isBad ? "run-mark-bad" : isGood ? "run-mark-good" : ""}`}>
      <Icon name={isGood ? "check" : isBad ? "alert" : "stop"} />
      <span>
        {runWords(run)}
        {durationMs > 0 && <span class="run-duration"> {durationWords(durationMs)}</span>}
      </span>
    </p>
  );
}
