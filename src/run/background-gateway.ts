import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Config } from "../config.js";
import { type Announcement, runningGateway } from "../gateway/announcement.js";
import type { OnImageProgress } from "../images/image-progress.js";
import { RUN_EXIT } from "./exit-code.js";
import { startReportSchema } from "./start-report.js";

/** A gateway that nobody has a session in ends after this long, in seconds. */
const EXIT_WHEN_IDLE_S = 30;

/** How much of the log of a start that failed is shown, in bytes. */
const LOG_TAIL_BYTES = 2_000;

/** A log that has grown past this is begun anew, in bytes. */
const LONGEST_LOG_BYTES = 1024 * 1024;

/** The gateway did not start; the message is the end of what it said. */
export class GatewayStartError extends Error {
  override readonly name = "GatewayStartError";

  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

export interface BackgroundGatewayOptions {
  /** The program's own path, as `process.argv[1]`. */
  program: string;
  config: Config;
  /** The configuration file that was named. */
  file: string | undefined;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  onProgress: OnImageProgress;
}

async function openLog(home: string): Promise<{ log: FileHandle; begin: number }> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const log = await open(join(home, "gateway.log"), "a+", 0o600);
  const { size } = await log.stat();
  if (size > LONGEST_LOG_BYTES) await log.truncate(0);
  return { log, begin: size > LONGEST_LOG_BYTES ? 0 : size };
}

async function tail(log: FileHandle, begin: number): Promise<string> {
  const { size } = await log.stat();
  const from = Math.max(begin, size - LOG_TAIL_BYTES);
  const { buffer, bytesRead } = await log.read(Buffer.alloc(LOG_TAIL_BYTES), 0, undefined, from);
  return buffer.toString("utf8", 0, bytesRead).trim();
}

/** The configuration file that a gateway started here would read, as an absolute path. */
function configurationFile(file: string | undefined): string[] {
  const path = resolve(file ?? "hotcell.config.yaml");
  return file !== undefined || existsSync(path) ? ["--config", path] : [];
}

/**
 * Starts `hotcell serve` as a process of its own that outlives this one, listens on a free port of the loopback address,
 * takes the key of its home, and ends when it has had no session for a while. Where two are started at once, one wins
 * and is used by both.
 * @returns where it is, and its process id when it is the one that was started here
 * @throws GatewayStartError with what it said; the signal's reason
 */
export async function startBackgroundGateway(
  options: BackgroundGatewayOptions,
): Promise<{ gateway: Announcement; pid: number | undefined }> {
  const { config, signal } = options;
  const { HOTCELL_API_KEY: _, ...env } = options.env;
  const { log, begin } = await openLog(config.home);
  try {
    const child = spawn(
      process.execPath,
      [
        options.program,
        "serve",
        ...["--home", config.home, "--host", "127.0.0.1", "--port", "0"],
        ...["--runtime", config.runtime, "--log-level", "warn"],
        ...["--exit-when-idle", String(EXIT_WHEN_IDLE_S), "--end-sessions"],
        ...configurationFile(options.file),
      ],
      {
        cwd: "/",
        env: { ...env, HOTCELL_IMAGES: config.images_directory },
        detached: true,
        stdio: ["ignore", "ignore", log.fd, "ipc"],
      },
    );
    const exited = once(child, "exit") as Promise<[number | null]>;
    const abort = (): void => void child.kill("SIGTERM");
    signal.addEventListener("abort", abort, { once: true });
    try {
      signal.throwIfAborted();
      const ended = await Promise.race([
        exited.then(([code]) => ({ code })),
        new Promise<undefined>((listening) => {
          child.on("message", (message) => {
            const report = startReportSchema.safeParse(message).data;
            if (report === undefined) return;
            if ("listening" in report) listening(undefined);
            else {
              const { step, detail, fraction } = report.progress;
              options.onProgress({
                step,
                ...(detail === undefined ? {} : { detail }),
                ...(fraction === undefined ? {} : { fraction }),
              });
            }
          });
        }),
      ]);
      signal.throwIfAborted();
      const gateway = await runningGateway(config.home, { signal });
      if (gateway !== undefined) {
        return { gateway, pid: ended === undefined ? child.pid : undefined };
      }
      throw new GatewayStartError(
        (await tail(log, begin)) || "The gateway in the background ended at once",
        ended?.code === RUN_EXIT.usage || ended?.code === RUN_EXIT.noRuntime
          ? ended.code
          : RUN_EXIT.notRun,
      );
    } finally {
      signal.removeEventListener("abort", abort);
      if (child.connected) child.disconnect();
      child.unref();
    }
  } finally {
    await log.close();
  }
}
