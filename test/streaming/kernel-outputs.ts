import { readFileSync } from "node:fs";
import type { Gathered } from "../../src/kernels/gathering.js";

/** What real kernels of the Python image have answered to `code`. */
interface KernelOutputs {
  code: string;
  outputs: Gathered["outputs"];
  updates: Gathered["updates"];
}

const file = new URL("./kernel-outputs.json", import.meta.url);

const captured = JSON.parse(readFileSync(file, "utf8")) as Record<string, KernelOutputs>;

/** The gathered outputs of one of the captured executions. */
export function kernelOutputs(name: string): Gathered {
  const found = captured[name];
  if (found === undefined) throw new Error(`nothing was captured as ${name}`);
  const { outputs, updates } = found;
  return { outputs, updates, dropped_outputs: 0, started: undefined, finished: undefined };
}
