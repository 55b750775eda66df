import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

const MAIN = new URL("../../dist/main.js", import.meta.url).pathname;

/** Small sandboxes, so that many fit; a short grace, so that stubborn code does not take long. */
const SETTINGS = `
max_sessions: 256
session:
  memory_bytes: ${512 * 1024 ** 2}
  disk_bytes: ${48 * 1024 ** 2}
  grace_s: 1
`;

export type ChaosRuntime = "local" | "docker";

/** A gateway that is killed and comes back, at the same place. */
export interface ChaosGateway {
  readonly port: number;
  readonly key: string;
  readonly home: string;
  /** How long its starts took until it said where it is, in milliseconds. */
  readonly startsMs: readonly number[];
  /** Lines that it logged as errors. */
  readonly errors: readonly string[];
  /** Whether something is under way that takes longer than it is left alone otherwise. */
  readonly leftAlone: boolean;
  /** Resolves or rejects as `work` does, during which it is left alone. */
  leaveAlone<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves while it is there, or when it is there again. */
  up(): Promise<void>;
  /** Kills its whole process group, and starts it again. */
  killAndStart(): Promise<void>;
  /** Stops it in an orderly way. Idempotent. */
  stop(): Promise<void>;
}

export interface ChaosGatewayOptions {
  runtime: ChaosRuntime;
  home: string;
  imagesDirectory: string | undefined;
  /** Where its log goes. */
  logFile: string;
  /** Called when it ends by itself. */
  onCrash(how: string): void;
}

/** @throws when it does not start */
export async function startChaosGateway(options: ChaosGatewayOptions): Promise<ChaosGateway> {
  const { home } = options;
  const key = randomBytes(24).toString("hex");
  const settings = join(home, "settings.yaml");
  await writeFile(settings, SETTINGS);
  const log = createWriteStream(options.logFile, { flags: "a" });
  const errors: string[] = [];
  const startsMs: number[] = [];
  let port = 0;
  let child: ChildProcess;
  let expectEnd = false;
  let spared = 0;

  const start = async (): Promise<void> => {
    const began = performance.now();
    child = spawn(process.execPath, [MAIN, "serve", "--end-sessions", "--config", settings], {
      cwd: home,
      detached: true,
      env: {
        PATH: process.env["PATH"],
        HOME: process.env["HOME"],
        HOTCELL_HOME: home,
        HOTCELL_PORT: String(port),
        HOTCELL_RUNTIME: options.runtime,
        HOTCELL_API_KEY: key,
        ...(options.imagesDirectory === undefined
          ? {}
          : { HOTCELL_IMAGES: options.imagesDirectory }),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    keepLog(child, log, errors);
    const ended = once(child, "exit");
    port = await Promise.race([
      addressOf(child),
      ended.then(() => {
        throw new Error(`the gateway did not start: see ${options.logFile}`);
      }),
    ]);
    startsMs.push(performance.now() - began);
    const mine = child;
    void ended.then(() => {
      if (mine === child && !expectEnd) {
        options.onCrash(`exit code ${mine.exitCode}, signal ${mine.signalCode}`);
      }
    });
  };

  await start();
  let there = Promise.resolve();
  let stopping: Promise<void> | undefined;
  const end = async (kill: () => void): Promise<void> => {
    expectEnd = true;
    const ended = once(child, "exit");
    if (child.exitCode !== null || child.signalCode !== null) return;
    kill();
    await ended;
  };
  return {
    get port() {
      return port;
    },
    key,
    home,
    startsMs,
    errors,
    get leftAlone() {
      return spared > 0;
    },
    async leaveAlone(work) {
      spared += 1;
      try {
        return await work();
      } finally {
        spared -= 1;
      }
    },
    up: () => there,
    killAndStart: () => {
      there = (async () => {
        await end(() => process.kill(-(child.pid ?? 0), "SIGKILL"));
        expectEnd = false;
        await start();
      })();
      return there;
    },
    stop: () =>
      (stopping ??= (async () => {
        await there.catch(() => undefined);
        await end(() => child.kill("SIGTERM"));
        log.end();
      })()),
  };
}

function keepLog(child: ChildProcess, log: WriteStream, errors: string[]): void {
  if (child.stderr === null) return;
  createInterface({ input: child.stderr }).on("line", (line) => {
    log.write(`${line}\n`);
    if (/^\{"level":[56]0/.test(line)) errors.push(line);
  });
}

/** The port that it says it listens on. */
async function addressOf(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error("the gateway's output is not piped");
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^\s*Address\s+http:\S+:(\d+)/.exec(line)?.[1];
    if (port === undefined) continue;
    child.stdout.resume();
    return Number(port);
  }
  return new Promise(() => undefined);
}
