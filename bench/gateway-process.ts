import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { BenchRuntime } from "./benchmark.js";

const SOURCE = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const BUILT = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const STOP_WITHIN_MS = 30_000;
/** More than any benchmark makes. */
const MAX_SESSIONS = 256;

/** A gateway of its own process and home, so that its memory is its own. */
export interface GatewayProcess {
  readonly url: string;
  readonly key: string;
  readonly pid: number;
  readonly home: string;
  /** Kills it with all that it has started; its sandboxes and its home are left to a successor. */
  kill(): Promise<void>;
  /** Ends it with all its sessions. Idempotent. */
  close(): Promise<void>;
}

export interface GatewayProcessOptions {
  signal: AbortSignal;
  runtime: BenchRuntime;
  /** Where images are kept, from one run to the next. */
  imagesDirectory: string;
  /** Where Node writes a CPU profile of it at its end. */
  profileDirectory?: string | undefined;
  /** Whether it runs as its users run it, from `dist`, which `npm run build` makes; otherwise from the source. */
  built?: boolean;
  /** A gateway that was killed: this one has its home, address and key. */
  successorOf?: Pick<GatewayProcess, "url" | "home" | "key">;
}

/** @throws when it does not start; the signal's reason */
export async function startGatewayProcess(options: GatewayProcessOptions): Promise<GatewayProcess> {
  options.signal.throwIfAborted();
  const { profileDirectory: profile, successorOf: before, built = false } = options;
  const home = before?.home ?? (await mkdtemp(join(tmpdir(), "hotcell-bench-")));
  const key = before?.key ?? randomBytes(24).toString("hex");
  const port = before === undefined ? "0" : new URL(before.url).port;
  const child = spawn(
    process.execPath,
    [
      ...(profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`]),
      ...(built ? [BUILT] : ["--import", import.meta.resolve("tsx"), SOURCE]),
      ...["serve", "--host", "127.0.0.1", "--port", port, "--home", home],
      ...["--log-level", "silent"],
      "--end-sessions",
      ...["--runtime", options.runtime, "--max-sessions", String(MAX_SESSIONS)],
    ],
    {
      // Away from any configuration file, and out of reach of the terminal's Ctrl+C: this process ends it.
      cwd: home,
      detached: true,
      env: {
        ...withoutSettings(process.env),
        HOTCELL_API_KEY: key,
        HOTCELL_IMAGES: options.imagesDirectory,
      },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= stop(child, home));
  try {
    const url = await address(child, options.signal);
    return { url, key, pid: child.pid ?? 0, home, kill: () => kill(child), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("HOTCELL_")));
}

/** Reads the address that a gateway prints when it is ready. */
async function address(child: ChildProcess, signal: AbortSignal): Promise<string> {
  if (child.stdout === null) throw new Error("the gateway's output is not piped");
  const lines = createInterface({ input: child.stdout, signal });
  for await (const line of lines) {
    const url = /^\s*Address\s+(http:\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    return url;
  }
  signal.throwIfAborted();
  throw new Error("the gateway ended before it was ready");
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) {
    throw new Error("the gateway ended by itself");
  }
  const exited = once(child, "exit");
  process.kill(-child.pid, "SIGKILL");
  await exited;
}

async function stop(child: ChildProcess, home: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
    await exited;
    clearTimeout(late);
  }
  if (child.signalCode === "SIGKILL") {
    throw new Error(
      `the gateway did not stop; the next gateway with HOTCELL_HOME=${home} removes what it has left`,
    );
  }
  await rm(home, { recursive: true, force: true });
}
