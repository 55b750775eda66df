import { parseArgs } from "node:util";
import { ConfigError } from "../config.js";
import { executionRequestShape } from "../sessions/execution-request.js";
import {
  clientIdSchema,
  environmentSchema,
  languageSchema,
  sessionOptionsShape,
} from "../sessions/session-options.js";

/** Where the code is. */
export type CodeSource =
  { from: "text"; code: string } | { from: "file"; path: string } | { from: "stdin" };

/** What `hotcell run` was asked for; what is `undefined` was not said. */
export interface RunArguments {
  source: CodeSource;
  session: string | undefined;
  image: string | undefined;
  runtime: string | undefined;
  isolation: "standard" | "strong" | undefined;
  timeoutS: number | undefined;
  env: Record<string, string>;
  cwd: string | undefined;
  /** The language to run in; the notebook's own, or the session's default one otherwise. */
  language: string | undefined;
  /** Where figures go; of a notebook, the file that it is written to. */
  output: string;
  /** Whether a notebook goes on after an error. */
  allowErrors: boolean;
  json: boolean;
  gateway: string | undefined;
  key: string | undefined;
  home: string | undefined;
  config: string | undefined;
  verbose: boolean;
}

const OPTIONS = {
  code: { type: "string", short: "c" },
  session: { type: "string", short: "s" },
  image: { type: "string" },
  runtime: { type: "string" },
  isolation: { type: "string" },
  timeout: { type: "string", short: "t" },
  env: { type: "string", short: "e", multiple: true },
  cwd: { type: "string" },
  language: { type: "string", short: "l" },
  output: { type: "string", short: "o" },
  "allow-errors": { type: "boolean" },
  json: { type: "boolean" },
  gateway: { type: "string" },
  key: { type: "string" },
  home: { type: "string" },
  config: { type: "string" },
  verbose: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

function usage(message: string): ConfigError {
  return new ConfigError(`hotcell run: ${message}; see hotcell run --help`);
}

function sourceOf(code: string | undefined, positionals: string[]): CodeSource {
  const [path, extra] = positionals;
  if (code !== undefined) {
    if (path !== undefined) throw usage("say either a file or -c CODE, and no arguments for it");
    return { from: "text", code };
  }
  if (path === undefined) throw usage("say what to run: a file, -c CODE, or - for standard input");
  if (extra !== undefined) {
    throw usage("one file is run, and arguments are not passed to it (--env sets variables)");
  }
  return path === "-" ? { from: "stdin" } : { from: "file", path };
}

/** The notebook that is to be run, where it is one. */
export function notebookPath(source: CodeSource): string | undefined {
  return source.from === "file" && /\.ipynb$/i.test(source.path) ? source.path : undefined;
}

function environmentOf(entries: readonly string[], own: NodeJS.ProcessEnv): Record<string, string> {
  const pairs = entries.map((entry): [string, string] => {
    const at = entry.indexOf("=");
    if (at >= 0) return [entry.slice(0, at), entry.slice(at + 1)];
    const value = own[entry];
    if (value === undefined) throw usage(`--env ${entry}: there is no such variable to pass on`);
    return [entry, value];
  });
  const parsed = environmentSchema.safeParse(Object.fromEntries(pairs));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = issue?.path[0];
  const what = issue?.code === "invalid_key" ? issue.issues[0]?.message : issue?.message;
  throw usage(`--env ${name === undefined ? "" : `${String(name)} `}${what ?? "is not valid"}`);
}

function checked<T>(
  option: string,
  schema: { safeParse(value: unknown): { success: boolean; data?: T; error?: Issues } },
  value: unknown,
): T | undefined {
  if (value === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw usage(`--${option}: ${parsed.error?.issues[0]?.message ?? "is not valid"}`);
}

interface Issues {
  issues: { message: string }[];
}

function gatewayUrl(text: string | undefined): string | undefined {
  if (text === undefined || text === "") return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw usage("--gateway (HOTCELL_GATEWAY_URL) is an address like http://127.0.0.1:8788");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw usage("--gateway is an address only: --key (HOTCELL_API_KEY) is for the key");
  }
  return url.href.replace(/\/+$/, "");
}

/**
 * Reads the command line; `HOTCELL_GATEWAY_URL` stands for `--gateway`.
 * @returns `"help"` when help was asked for
 * @throws ConfigError, or Node's error for options that do not exist
 */
export function parseRunArguments(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): RunArguments | "help" {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  if (values.help === true) return "help";
  if (values.json === true && values.output !== undefined) {
    throw usage("--json prints figures within the document, so there is no --output with it");
  }
  const source = sourceOf(values.code, positionals);
  const notebook = notebookPath(source);
  if (notebook !== undefined && values.json === true) {
    throw usage("a notebook takes its outputs itself, so there is no --json with it");
  }
  if (notebook === undefined && values["allow-errors"] === true) {
    throw usage("--allow-errors is for notebooks");
  }
  return {
    source,
    session: checked("session", clientIdSchema, values.session),
    image: checked("image", sessionOptionsShape.image, values.image),
    runtime: values.runtime,
    isolation: checked("isolation", sessionOptionsShape.isolation, values.isolation),
    timeoutS: checked(
      "timeout",
      executionRequestShape.timeout_s,
      values.timeout === undefined ? undefined : seconds(values.timeout),
    ),
    env: environmentOf(values.env ?? [], env),
    cwd: checked("cwd", executionRequestShape.cwd, values.cwd),
    language: checked("language", languageSchema, values.language),
    output: values.output ?? notebook ?? ".",
    allowErrors: values["allow-errors"] === true,
    json: values.json === true,
    gateway: gatewayUrl(values.gateway ?? env["HOTCELL_GATEWAY_URL"]),
    key: values.key,
    home: values.home,
    config: values.config,
    verbose: values.verbose === true,
  };
}

function seconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw usage("--timeout is a number of seconds");
}
