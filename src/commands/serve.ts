import { parseArgs } from "node:util";
import closeWithGrace from "close-with-grace";
import { ConfigError, loadConfig } from "../config.js";
import { gatewayLogger, startGateway, type Gateway } from "../gateway.js";
import { progressPrinter } from "../progress/progress-printer.js";
import { startReporter } from "../run/start-report.js";
import { idleExit, type IdleExit } from "../sessions/idle-exit.js";
import { version } from "../version.js";

const HELP = `Usage
  hotcell serve [options]   start the gateway

Options, over the environment, over hotcell.config.yaml
  --host HOST            HOTCELL_HOST, 127.0.0.1
  --port PORT            HOTCELL_PORT, 8788; 0 picks a free one
  --home DIRECTORY       HOTCELL_HOME, ~/.hotcell: key, images, sockets, records
  --runtime NAME         HOTCELL_RUNTIME, auto (auto, docker, local)
  --max-sessions NUMBER  HOTCELL_MAX_SESSIONS, 64
  --end-sessions         HOTCELL_END_SESSIONS: a stop ends the sessions; otherwise they wait, for an
                         hour at most, and the next gateway of the home takes them up
  --log-level LEVEL      HOTCELL_LOG_LEVEL, info (fatal to trace, silent)
  --exit-when-idle SECS  end after this long without a session
  --config FILE          another configuration file than hotcell.config.yaml
  -h, --help

HOTCELL_API_KEY sets a key to accept instead of the generated one.
`;

/** How long a stop may take before the process ends anyway. */
const STOP_WITHIN_MS = 20_000;

function welcome(gateway: Gateway, endSessions: boolean): string {
  const { url, generatedKey } = gateway;
  const key = generatedKey ?? "$HOTCELL_API_KEY";
  // Where the key is a secret of the operator's, the page asks for it.
  const open = generatedKey === undefined ? `${url}/` : `${url}/?token=${generatedKey}`;
  return `
Hotcell ${version} is running (${gateway.runtime.runtime}: ${gateway.runtime.version}).

  Address   ${url}
  Key       ${generatedKey ?? "the one that is configured"}
  Open      ${open}

Try it:

  curl -s ${url}/v1/execute -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" -d '{"session": "demo", "code": "import math; math.pi"}'

${endSessions ? "Ctrl+C stops it and ends its sessions." : "Ctrl+C stops it; its sessions wait an hour for the next one (--end-sessions ends them)."}
`;
}

function farewell(sessions: number): string {
  const what = sessions === 1 ? "1 session goes" : `${sessions} sessions go`;
  return `${what} on without a gateway: start it again within the hour to use them, or end them with --end-sessions.\n`;
}

function milliseconds(seconds: string): number {
  if (/^\d{1,7}(\.\d+)?$/.test(seconds)) return Number(seconds) * 1000;
  throw new ConfigError("hotcell serve: --exit-when-idle is a number of seconds");
}

/**
 * `hotcell serve`: starts the gateway, which then runs until a signal, or until it has been idle.
 * @throws ConfigError, or Node's error, for a command line or settings that cannot be used; what `startGateway` throws
 */
export async function serve(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      host: { type: "string" },
      port: { type: "string" },
      home: { type: "string" },
      runtime: { type: "string" },
      "max-sessions": { type: "string" },
      "end-sessions": { type: "boolean" },
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
    const kept = config.end_sessions ? 0 : (gateway?.sessions() ?? 0);
    await gateway?.close();
    if (kept > 0) process.stderr.write(farewell(kept));
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
  process.stdout.write(welcome(gateway, config.end_sessions));
}
