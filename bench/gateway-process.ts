import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { BenchRuntime } from "./benchmark.js";

const PROGRAM = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const STOP_WITHIN_MS = 30_000;
/** More than any benchmark makes. */
const MAX_SESSIONS = 256;

/** A gateway of its own process and home, so that its memory is its own. */
export interface GatewayProcess {
  readonly url: string;
  readonly key: string;
  readonly pid: number;
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
}

/** @throws when it does not start; the signal's reason */
export async function startGatewayProcess(options: GatewayProcessOptions): Promise<GatewayProcess> {
  options.signal.throwIfAborted();
  const home = await mkdtemp(join(tmpdir(), "hotcell-bench-"));
  const key = randomBytes(24).toString("hex");
  const { profileDirectory: profile } = options;
  const child = spawn(
    process.execPath,
    [
      ...(profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`]),
      ...["--import", import.meta.resolve("tsx"), PROGRAM, "serve"],
      ...["--host", "127.0.0.1", "--port", "0", "--home", home, "--log-level", "silent"],
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
    return { url, key, pid: child.pid ?? 0, close };
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
