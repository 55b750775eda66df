#!/usr/bin/env node
import { join } from "node:path";
import { homedir } from "node:os";
import { parseArgs } from "node:util";
import closeWithGrace from "close-with-grace";
import { ConfigError, loadConfig } from "./config.js";
import { gatewayLogger, prepareImage, startGateway, type Gateway } from "./gateway.js";
import { progressPrinter } from "./progress-printer.js";
import { RuntimeError } from "./runtimes/runtime.js";
import { version } from "./version.js";

const HELP = `hotcell ${version}: a stateful code interpreter service

Usage
  hotcell serve [options]                   start the gateway
  hotcell images build [NAME] [--rebuild]   make sure that the engine has an image (python)
  hotcell images reference [NAME]           print an image's reference
  hotcell --help | --version

Options of serve, over the environment, over hotcell.config.yaml
  --host HOST            HOTCELL_HOST, 127.0.0.1
  --port PORT            HOTCELL_PORT, 8788; 0 picks a free one
  --home DIRECTORY       HOTCELL_HOME, ~/.hotcell: key, images, sockets, records
  --runtime NAME         HOTCELL_RUNTIME, auto (auto, docker)
  --max-sessions NUMBER  HOTCELL_MAX_SESSIONS, 64
  --log-level LEVEL      HOTCELL_LOG_LEVEL, info (fatal to trace, silent)
  --config FILE          another configuration file than hotcell.config.yaml

HOTCELL_API_KEY sets a key to accept instead of the generated one.
`;

/** Exit codes: wrong usage or settings, anything else, no engine. */
const EXIT = { usage: 2, failure: 1, engine: 3 } as const;

/** How long a stop may take before the process ends anyway. */
const STOP_WITHIN_MS = 20_000;

function fail(error: unknown): never {
  if (error instanceof ConfigError || isUsageError(error)) {
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT.usage);
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
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return;
  }
  const { help: _help, config: file, ...flags } = values;
  const config = loadConfig({ flags, ...(file === undefined ? {} : { file }) });
  const log = gatewayLogger(config);
  const stop = new AbortController();
  let gateway: Gateway | undefined;
  closeWithGrace({ delay: STOP_WITHIN_MS, logger: false }, async ({ signal, err }) => {
    if (err) log.fatal({ err }, "stopping after an error");
    else log.info({ signal }, "stopping");
    stop.abort(new Error("stopped"));
    await gateway?.close();
    log.flush();
  });
  const progress = progressPrinter(process.stderr);
  try {
    gateway = await startGateway({ config, signal: stop.signal, onProgress: progress.show, log });
  } catch (error) {
    if (stop.signal.aborted) return;
    throw error;
  } finally {
    progress.done();
  }
  process.stdout.write(welcome(gateway));
}

async function images(args: string[]): Promise<void> {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: { rebuild: { type: "boolean", default: false } },
  });
  const [action, name = "python"] = positionals;
  if (action !== "build" && action !== "reference") {
    throw new ConfigError("hotcell images: say `build` or `reference`; see hotcell --help");
  }
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort(new Error("stopped")));
  process.once("SIGTERM", () => stop.abort(new Error("stopped")));
  const progress = progressPrinter(process.stderr);
  try {
    const { reference, built } = await prepareImage(name, {
      home: process.env["HOTCELL_HOME"] ?? join(homedir(), ".hotcell"),
      signal: stop.signal,
      onProgress: progress.show,
      rebuild: values.rebuild,
    });
    progress.done();
    if (action === "reference") process.stdout.write(`${reference}\n`);
    else process.stdout.write(`${reference} ${built ? "is built" : "is there"}\n`);
  } finally {
    progress.done();
  }
}

const [command, ...rest] = process.argv.slice(2);
try {
  switch (command) {
    case "serve":
      await serve(rest);
      break;
    case "images":
      await images(rest);
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
