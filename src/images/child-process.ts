import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import type { Readable, Writable } from "node:stream";

const LINES_IN_ERROR = 20;
const GRACE_MS = 20_000;

interface ChildProcessOptions {
  signal: AbortSignal;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /**
   * Becomes standard input. One that breaks off before its end is no end: the program waits for the rest until the
   * signal is aborted.
   */
  stdin?: Readable;
  /** Receives standard output, and is ended with it; without it the output counts as lines. */
  stdout?: Writable;
  onLine?: (line: string) => void;
}

/**
 * Runs a program to its end. When the signal is aborted the program's process group is asked to end, killed after
 * 20 s, and awaited in either case.
 *
 * @throws Error with the last lines of the program's output when it cannot be started or fails, the signal's
 *   reason when it was aborted, and the error of `stdout` when that fails.
 */
export async function runChildProcess(
  command: string,
  args: readonly string[],
  { signal, cwd, env, stdin, stdout, onLine }: ChildProcessOptions,
): Promise<void> {
  signal.throwIfAborted();
  const child = spawn(command, args, {
    cwd,
    env: env ?? process.env,
    stdio: "pipe",
    detached: true,
  });
  // Who ends without reading everything says why by its status.
  child.stdin.on("error", () => undefined);
  if (stdin) stdin.pipe(child.stdin);
  else child.stdin.end();
  const lastLines: string[] = [];
  const readLine = (line: string): void => {
    lastLines.push(line);
    if (lastLines.length > LINES_IN_ERROR) lastLines.shift();
    onLine?.(line);
  };
  createInterface(child.stderr).on("line", readLine);
  if (!stdout) createInterface(child.stdout).on("line", readLine);

  let kill: NodeJS.Timeout | undefined;
  const end = (): void => {
    signalGroup(child.pid, "SIGTERM");
    kill ??= setTimeout(() => signalGroup(child.pid, "SIGKILL"), GRACE_MS);
  };
  signal.addEventListener("abort", end, { once: true });
  try {
    let copyError: Error | undefined;
    const copied = stdout
      ? pipeline(child.stdout, stdout, { end: false }).catch((error: unknown) => {
          copyError = error instanceof Error ? error : new Error(String(error));
          end();
        })
      : undefined;
    const [code, by] = await ended(child);
    await copied;
    signal.throwIfAborted();
    if (copyError) throw copyError;
    if (code !== 0)
      throw new Error(`${command} ended with ${by ?? `status ${code}`}:\n${lastLines.join("\n")}`);
    stdout?.end();
  } catch (error) {
    // Half an output must not look like a whole one.
    stdout?.destroy();
    throw error;
  } finally {
    clearTimeout(kill);
    signal.removeEventListener("abort", end);
  }
}

async function ended(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  try {
    return (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    throw new Error(`${child.spawnfile} is needed and is not installed (ENOENT)`, { cause });
  }
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // It ended by itself in the meantime.
  }
}
