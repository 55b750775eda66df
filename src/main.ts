#!/usr/bin/env node
import { parseArgs } from "node:util";
import closeWithGrace from "close-with-grace";
import { doctor } from "./commands/doctor.js";
import { images } from "./commands/images.js";
import { ConfigError, loadConfig } from "./config.js";
import { gatewayLogger, startGateway, type Gateway } from "./gateway.js";
import { PrerequisiteError } from "./images/prerequisite-error.js";
import { progressPrinter } from "./progress-printer.js";
import { run } from "./commands/run.js";
import { startReporter } from "./run/start-report.js";
import { RuntimeError } from "./runtimes/runtime.js";
import { idleExit, type IdleExit } from "./sessions/idle-exit.js";
import { version } from "./version.js";

const HELP = `hotcell ${version}: a stateful code interpreter service

Usage
  hotcell serve [options]                   start the gateway
  hotcell run FILE | -c CODE | -            run code in a sandbox (hotcell run --help)
  hotcell images build [NAME]               make sure that an image is there (hotcell images --help)
  hotcell doctor                            what this machine can enforce, and what to do about the rest
  hotcell --help | --version

Options of serve, over the environment, over hotcell.config.yaml
  --host HOST            HOTCELL_HOST, 127.0.0.1
  --port PORT            HOTCELL_PORT, 8788; 0 picks a free one
  --home DIRECTORY       HOTCELL_HOME, ~/.hotcell: key, images, sockets, records
  --runtime NAME         HOTCELL_RUNTIME, auto (auto, docker, local)
  --max-sessions NUMBER  HOTCELL_MAX_SESSIONS, 64
  --log-level LEVEL      HOTCELL_LOG_LEVEL, info (fatal to trace, silent)
  --exit-when-idle SECS  end after this long without a session
  --config FILE          another configuration file than hotcell.config.yaml

HOTCELL_API_KEY sets a key to accept instead of the generated one.
`;

/** Exit codes: wrong usage or settings, anything else, a machine without what sandboxes or images need. */
const EXIT = { usage: 2, failure: 1, engine: 3 } as const;

/** How long a stop may take before the process ends anyway. */
const STOP_WITHIN_MS = 20_000;

function fail(error: unknown): never {
  if (error instanceof ConfigError || isUsageError(error)) {
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT.usage);
  }
  if (error instanceof PrerequisiteError) {
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT.engine);
  }
  if (error instanceof RuntimeError) {
    process.stderr.write(`${error.message}\n`);
    process.exit(error.code === "runtime_unavailable" ? EXIT.engine : EXIT.failure);
  }
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(EXIT.failure);
}

function isUsageError(error: unknown): error is Error {
  return (
    error instanceof TypeError &&
    String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS")
  );
}

function welcome(gateway: Gateway): string {
  const { url, generatedKey } = gateway;
  const key = generatedKey ?? "$HOTCELL_API_KEY";
  const open = generatedKey === undefined ? `${url}/docs` : `${url}/?token=${generatedKey}`;
  return `
Hotcell ${version} is running (${gateway.runtime.runtime}: ${gateway.runtime.version}).

  Address   ${url}
  Key       ${generatedKey ?? "the one that is configured"}
  Open      ${open}

Try it:

  curl -s ${url}/v1/execute -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" -d '{"session": "demo", "code": "import math; math.pi"}'

Ctrl+C stops it and ends its sessions.
`;
}

function milliseconds(seconds: string): number {
  if (/^\d{1,7}(\.\d+)?$/.test(seconds)) return Number(seconds) * 1000;
  throw new ConfigError("hotcell serve: --exit-when-idle is a number of seconds");
}

async function serve(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      host: { type: "string" },
      port: { type: "string" },
      home: { type: "string" },
      runtime: { type: "string" },
      "max-sessions": { type: "string" },
      "log-level": { type: "string" },
      config: { type: "string" },
      "exit-when-idle": { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return;
  }
  const { help: _help, config: file, "exit-when-idle": idleSeconds, ...flags } = values;
  const exitWhenIdleMs = idleSeconds === undefined ? undefined : milliseconds(idleSeconds);
  const config = loadConfig({ flags, ...(file === undefined ? {} : { file }) });
  const log = gatewayLogger(config);
  const stop = new AbortController();
  let gateway: Gateway | undefined;
  const exit = closeWithGrace({ delay: STOP_WITHIN_MS, logger: false }, async ({ signal, err }) => {
    if (err) log.fatal({ err }, "stopping after an error");
    else log.info({ signal }, "stopping");
    stop.abort(new Error("stopped"));
    await gateway?.close();
    log.flush();
  });
  const progress = progressPrinter(process.stderr);
  const reporter = startReporter();
  let idle: IdleExit | undefined;
  try {
    gateway = await startGateway({
      config,
      signal: stop.signal,
      onProgress: (step) => {
        progress.show(step);
        reporter.progress(step);
      },
      onSessions: (count) => idle?.count(count),
      log,
    });
  } catch (error) {
    if (stop.signal.aborted) return;
    throw error;
  } finally {
    progress.done();
  }
  if (exitWhenIdleMs !== undefined) {
    idle = idleExit({ afterMs: exitWhenIdleMs, onIdle: () => exit.close() });
  }
  reporter.listening();
  process.stdout.write(welcome(gateway));
}

const [command, ...rest] = process.argv.slice(2);
try {
  switch (command) {
    case "serve":
      await serve(rest);
      break;
    case "run":
      process.exit(await run(rest));
      break;
    case "images":
      await images(rest);
      break;
    case "doctor":
      process.exitCode = await doctor(rest);
      break;
    case "--version":
    case "-v":
      process.stdout.write(`${version}\n`);
      break;
    case undefined:
    case "--help":
    case "-h":
    case "help":
      process.stdout.write(HELP);
      break;
    default:
      throw new ConfigError(`hotcell: there is no command ${command}; see hotcell --help`);
  }
} catch (error) {
  fail(error);
}
