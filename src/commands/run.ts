import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { Hotcell } from "../client/index.js";
import { ConfigError } from "../config.js";
import { progressPrinter } from "../progress/progress-printer.js";
import { RuntimeError } from "../runtimes/runtime.js";
import type { ExecutionRequest } from "../sessions/execution-request.js";
import {
  type CodeSource,
  notebookPath,
  parseRunArguments,
  type RunArguments,
} from "../run/arguments.js";
import { PrerequisiteError } from "../images/prerequisite-error.js";
import { GatewayStartError } from "../run/background-gateway.js";
import { executeAsJson, executeOnTerminal, type ExecutionContext } from "../run/execution.js";
import { RUN_EXIT } from "../run/exit-code.js";
import { figureFiles } from "../run/figure-files.js";
import { type GatewayAccess, openGateway } from "../run/gateway-access.js";
import { RUN_HELP } from "../run/help.js";
import { lateProgress } from "../progress/late-progress.js";
import { lineInput } from "../run/line-input.js";
import { executeNotebook } from "../run/notebook-execution.js";
import { type NotebookFile, openNotebookFile } from "../run/notebook-file.js";
import { openSession } from "../run/run-session.js";
import { listenForSignals, type RunSignals, Stopped } from "../run/signals.js";
import { openTerminal, type Terminal } from "../run/terminal.js";

/** As shells say it of a command that wrote where nobody reads any more: 128 and SIGPIPE. */
const EXIT_BROKEN_PIPE = 141;

function unreadable({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case "ENOENT":
      return "is not there";
    case "EISDIR":
      return "is a directory";
    case "EACCES":
      return "may not be read by this user";
    default:
      return `cannot be read: ${message}`;
  }
}

async function codeOf(source: CodeSource): Promise<string> {
  if (source.from === "text") return source.code;
  const name = source.from === "stdin" ? "standard input" : source.path;
  let bytes: Buffer;
  try {
    bytes = source.from === "stdin" ? await buffer(process.stdin) : await readFile(source.path);
  } catch (error) {
    throw new ConfigError(`hotcell run: ${name} ${unreadable(error as NodeJS.ErrnoException)}`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ConfigError(`hotcell run: ${name} is not text in UTF-8`);
  }
}

async function notebookOf({ source, output }: RunArguments): Promise<NotebookFile | undefined> {
  const path = notebookPath(source);
  if (path === undefined) return undefined;
  try {
    return await openNotebookFile(path, output);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`hotcell run: ${path} ${unreadable(error as NodeJS.ErrnoException)}`);
  }
}

function settingsOf(
  { env, cwd, timeoutS }: RunArguments,
  language: string | undefined,
): Omit<ExecutionRequest, "code"> {
  return {
    ...(language === undefined ? {} : { language }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(timeoutS === undefined ? {} : { timeout_s: timeoutS }),
  };
}

async function execute(
  context: ExecutionContext,
  request: ExecutionRequest,
  asked: RunArguments,
  signals: RunSignals,
): Promise<number> {
  if (asked.json) {
    const { json, exitCode } = await executeAsJson(context, request);
    await context.terminal.print("stdout", `${json}\n`);
    return exitCode;
  }
  const interactive = asked.source.from !== "stdin" && process.stdin.isTTY && process.stdout.isTTY;
  return executeOnTerminal(
    {
      ...context,
      figures: figureFiles(asked.output),
      sessionStays: asked.session !== undefined,
      ask: interactive
        ? lineInput({
            stdin: process.stdin,
            stdout: process.stdout,
            onInterrupt: () => signals.interrupt(),
          })
        : undefined,
    },
    request,
  );
}

/** Opens what is needed, runs, and ends all that was made for this call. */
async function runCode(
  asked: RunArguments,
  signals: RunSignals,
  terminal: Terminal,
): Promise<number> {
  const file = await notebookOf(asked);
  const settings = settingsOf(asked, asked.language ?? file?.language);
  const code = file === undefined ? await codeOf(asked.source) : "";
  const printer = progressPrinter(process.stderr);
  const progress = asked.verbose ? printer : lateProgress(printer);
  const shown = terminal.watched || asked.verbose;
  let access: GatewayAccess | undefined;
  try {
    try {
      access = await openGateway(asked, {
        program: process.argv[1] ?? "",
        env: process.env,
        signal: signals.interrupted,
        onProgress: shown ? progress.show : () => undefined,
        say: (message) => {
          progress.done();
          return terminal.say(message);
        },
      });
    } finally {
      progress.done();
    }
    // A call that is cut off is cancelled: there is nothing to come back to.
    const client = new Hotcell({ url: access.url, key: access.key, retry: { for_s: 0 } });
    const session = await openSession(client, asked, signals.interrupted);
    try {
      const context = { session, terminal, signals };
      if (file === undefined) return await execute(context, { ...settings, code }, asked, signals);
      const { allowErrors } = asked;
      return await executeNotebook({ ...context, file, allowErrors }, settings);
    } finally {
      // Its own gateway ends it by ending.
      if (asked.session === undefined && !access.own) await session.end();
    }
  } finally {
    await access?.close();
  }
}

/** The exit code for what ended a run before its code did, and what to say about it. */
function failureOf(error: unknown): { exitCode: number; message: string | undefined } {
  if (error instanceof Stopped) return { exitCode: error.exitCode, message: undefined };
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ConfigError) return { exitCode: RUN_EXIT.usage, message };
  if (error instanceof GatewayStartError) return { exitCode: error.exitCode, message };
  if (
    error instanceof PrerequisiteError ||
    (error instanceof RuntimeError && error.code === "runtime_unavailable")
  ) {
    return { exitCode: RUN_EXIT.noRuntime, message };
  }
  return { exitCode: RUN_EXIT.notRun, message };
}

/**
 * `hotcell run`: runs code in a sandbox and shows on this terminal what it says.
 * @returns the exit code, see `RUN_EXIT`
 * @throws ConfigError, or Node's error, for a command line that cannot be used
 */
export async function run(args: string[]): Promise<number> {
  const asked = parseRunArguments(args);
  if (asked === "help") {
    process.stdout.write(RUN_HELP);
    return RUN_EXIT.ok;
  }
  const signals = listenForSignals();
  const terminal = openTerminal({
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signal: signals.stopped,
  });
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", () => {
      if (!signals.stopped.aborted) signals.stop(EXIT_BROKEN_PIPE);
    });
  }
  try {
    return await runCode(asked, signals, terminal);
  } catch (error) {
    const { reason } = signals.stopped as { reason?: unknown };
    const { exitCode, message } = failureOf(reason instanceof Stopped ? reason : error);
    if (message !== undefined) {
      for (const line of message.split("\n")) await terminal.say(line);
    }
    return exitCode;
  } finally {
    await terminal.close();
    signals.close();
  }
}
