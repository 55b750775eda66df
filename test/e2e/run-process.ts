import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { sharedImages } from "./gateway-process.js";
import { runtime } from "./runtime.js";

const MAIN = new URL("../../dist/main.js", import.meta.url).pathname;

export interface RunOptions {
  home: string;
  cwd: string;
  env?: Record<string, string>;
}

/** `hotcell run` as a process. */
export interface RunProcess {
  readonly process: ChildProcessWithoutNullStreams;
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves when standard output and standard error together match; rejects when it ends before. */
  until(pattern: RegExp): Promise<void>;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
}

function follow(child: ChildProcessWithoutNullStreams): RunProcess {
  let stdout = "";
  let stderr = "";
  let over = false;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const check of waiting) check();
  };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
    wake();
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
    wake();
  });
  const ended = once(child, "close").then(([code]) => {
    over = true;
    wake();
    return code as number | null;
  });
  return {
    process: child,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const said = stdout + stderr;
          if (!pattern.test(said) && !over) return;
          waiting.delete(check);
          if (pattern.test(said)) resolve();
          else reject(new Error(`it ended without ${String(pattern)}: ${said}`));
        };
        waiting.add(check);
        check();
      }),
    ended,
  };
}

function environment({ home, env }: RunOptions): Record<string, string | undefined> {
  return {
    PATH: process.env["PATH"],
    HOTCELL_HOME: home,
    HOTCELL_RUNTIME: runtime,
    ...sharedImages(),
    ...env,
  };
}

/** Starts `hotcell run` with these arguments; its standard input is a pipe. */
export function startRun(args: string[], options: RunOptions): RunProcess {
  const env = environment(options);
  return follow(spawn(process.execPath, [MAIN, "run", ...args], { env, cwd: options.cwd }));
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The same in a terminal: what is written to its standard input are key presses. */
export function startRunInTerminal(args: string[], options: RunOptions): RunProcess {
  const env = { ...environment(options), TERM: "xterm-256color", SHELL: "/bin/sh" };
  const command = [process.execPath, MAIN, "run", ...args].map(quoted).join(" ");
  // script(1) of util-linux gives the command a terminal and ends with its exit code.
  const script = ["-q", "-e", "-f", "-c", command, "/dev/null"];
  return follow(spawn("script", script, { env, cwd: options.cwd }));
}

/** Runs `hotcell run` to its end. */
export async function runToEnd(
  args: string[],
  options: RunOptions & { stdin?: string },
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const run = startRun(args, options);
  run.process.stdin.end(options.stdin ?? "");
  const code = await run.ended;
  return { code, stdout: run.stdout, stderr: run.stderr };
}
