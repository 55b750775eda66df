import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { SandboxSpecification } from "../../../src/runtimes/runtime.js";

const TSX = fileURLToPath(new URL("../../../node_modules/.bin/tsx", import.meta.url));
const PROGRAM = fileURLToPath(new URL("make-sandbox.ts", import.meta.url));

/** Another process that has a runtime of the same home and makes a sandbox with it. */
export interface Maker {
  process: ChildProcess;
  /** The next thing that it says. */
  said(): Promise<unknown>;
  /** Kills it with its whole process group. */
  kill(): Promise<void>;
}

export function startMaker(what: {
  home: string;
  homeId: string;
  uid: number | null;
  specification: SandboxSpecification;
}): Maker {
  const child = spawn(TSX, [PROGRAM, JSON.stringify(what)], {
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    process: child,
    async said() {
      const line = await lines.next();
      return line.done === true ? undefined : (JSON.parse(line.value) as unknown);
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      process.kill(-(child.pid ?? 0), "SIGKILL");
      await ended;
    },
  };
}
