import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const IMAGE = process.env["HOTCELL_TEST_IMAGE"] ?? "hotcell/python:dev";
const USER_UID = 790_001;
const KERNELD_UID = 790_002;
const PACKAGE = fileURLToPath(new URL("../../../kernel-images/kerneld/kerneld", import.meta.url));
const DRIVER = fileURLToPath(new URL(".", import.meta.url));

/** The fields of contents that the tests look at, of all message types. */
export interface Content {
  code?: string;
  comm_id?: string;
  comms?: object;
  data?: Record<string, unknown>;
  ename?: string;
  execution_count?: number;
  execution_state?: string;
  history?: string[][];
  language_info?: { version: string };
  matches?: string[];
  metadata?: object;
  name?: "stdout" | "stderr";
  status?: string;
  text?: string;
  /** In the place of `text`, where the run was read briefly. */
  text_length?: number;
  traceback?: string[];
  transient?: object;
  user_expressions?: object;
}

/** What a file worker answered, and the bytes after it as latin-1 text. */
export interface FileAnswer {
  ok: boolean;
  code?: string;
  data?: string;
  entries?: { path: string; kind: string; size: number; mtime_ns: string }[];
  truncated?: boolean;
}

/** A Jupyter message as the driver's client received it. */
export interface Message {
  channel: "shell" | "control" | "stdin" | "iopub";
  topic: string | null;
  msg_type: string;
  header: Record<string, unknown>;
  parent_id: string | null;
  metadata: Record<string, unknown>;
  content: Content;
  buffers: number[];
  bytes: number;
  /** Seconds on the driver's clock. */
  at: number;
}

/** One run as its client saw it: the reply (null when the kernel died) and what had it as its parent. */
export interface Run {
  id: string;
  reply: Message | null;
  messages: Message[];
  others: Message[];
}

export interface RunOptions {
  /** Answers to input requests; with any, stdin is allowed. */
  answers?: string[];
  /** SIGINT follows when a stream or a prompt says this. */
  interrupt_at?: string;
  /** The client stops reading for `pause_s` when a stream says this. */
  pause_at?: string;
  pause_s?: number;
  /** How long the kernel may say nothing; 30 s when absent. */
  timeout_s?: number;
  /** Read until the kernel has ended. */
  until_death?: boolean;
  /** Give lengths instead of texts of streams. */
  brief?: boolean;
  stop_on_error?: boolean;
  user_expressions?: Record<string, string>;
  metadata?: Record<string, unknown>;
  /** Fields of the request's content that differ from the usual. */
  content?: Record<string, unknown>;
}

export interface Started {
  ok: boolean;
  pid: number;
  ready: boolean;
  ms: number;
  code?: string;
  detail?: string;
}

export interface ExitedEvent {
  exit_code: number | null;
  signal: number | null;
}

/** Calls of `driver.py`, which documents them; any other is made by `call`. */
export interface UserSide {
  call(method: string, parameters?: Record<string, unknown>): Promise<unknown>;
  start(name: string, options?: Record<string, unknown>): Promise<Started>;
  execute(name: string, code: string, options?: RunOptions): Promise<Run>;
  executeAll(name: string, codes: string[], options?: RunOptions): Promise<Run[]>;
  request(
    name: string,
    msgType: string,
    content: object,
    channel?: "shell" | "control",
  ): Promise<Message>;
  more(name: string, text: string): Promise<Message[]>;
  exited(pid: number): Promise<ExitedEvent>;
  file(request: object): Promise<FileAnswer>;
  /** Ends the container; may be called again. */
  close(): Promise<void>;
}

/** A container whose PID 1 is the driver, and whose user side is the real one, ready to start kernels. */
export async function openUserSide(options: { workspaceMiB?: number } = {}): Promise<UserSide> {
  const container = spawn("docker", dockerArguments(options.workspaceMiB ?? 256), {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = new Map<number, (answer: { result?: unknown; error?: string }) => void>();
  const ended = once(container, "close");
  let nextId = 0;
  const lines = createInterface({ input: container.stdout });
  lines.on("line", (line) => {
    const answer = JSON.parse(line) as { id: number; result?: unknown; error?: string };
    answers.get(answer.id)?.(answer);
    answers.delete(answer.id);
  });
  void ended.then(() => {
    for (const answer of answers.values()) answer({ error: "the container has ended" });
  });

  const call = async (method: string, parameters: Record<string, unknown> = {}) => {
    const id = nextId++;
    const answered = new Promise<{ result?: unknown; error?: string }>((resolve) => {
      answers.set(id, resolve);
    });
    container.stdin.write(`${JSON.stringify({ id, method, params: parameters })}\n`);
    const answer = await answered;
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.result;
  };

  const userSide: UserSide = {
    call,
    start: async (name, options) => (await call("start", { name, ...options })) as Started,
    execute: async (name, code, options) =>
      (await call("execute", { name, code, ...options })) as Run,
    executeAll: async (name, codes, options) =>
      (await call("execute_all", { name, codes, ...options })) as Run[],
    request: async (name, msgType, content, channel = "shell") =>
      (await call("request", { name, channel, msg_type: msgType, content })) as Message,
    more: async (name, text) => (await call("more", { name, text })) as Message[],
    exited: async (pid) => (await call("exited", { pid })) as ExitedEvent,
    file: async (request) => (await call("file", { request })) as FileAnswer,
    close: async () => {
      await endContainer(container, ended);
    },
  };
  try {
    await call("ready");
  } catch (error) {
    await userSide.close();
    throw error;
  }
  return userSide;
}

async function endContainer(container: ChildProcess, ended: Promise<unknown>): Promise<void> {
  // The end of its input ends the driver, and with PID 1 everything in the container.
  container.stdin?.end();
  await ended;
}

function dockerArguments(workspaceMiB: number): string[] {
  const capabilities = ["SETUID", "SETGID", "SETPCAP", "KILL"];
  return [
    ...["run", "--rm", "-i", "--network", "none", "--read-only", "--cap-drop", "ALL"],
    ...capabilities.flatMap((name) => ["--cap-add", name]),
    // Nothing that the engine adds to what kerneld does itself, and would hide it.
    ...["--security-opt", "seccomp=unconfined", "--pids-limit", "256"],
    ...["--env", "SECRET=of-the-engine"],
    ...["--memory", "2g", "--memory-swap", "2g"],
    ...["-v", `${PACKAGE}:/opt/hotcell/kerneld/kerneld:ro`, "-v", `${DRIVER}:/driver:ro`],
    ...["--tmpfs", `/run/kernels:uid=${USER_UID},gid=${KERNELD_UID},mode=2750`],
    ...["--tmpfs", `/workspace:mode=1777,exec,size=${workspaceMiB}m`],
    ...["--tmpfs", "/tmp:mode=1777,exec,size=256m"],
    ...["--entrypoint", "/opt/hotcell/bin/python3"],
    ...[IMAGE, "-Iu", "/driver/driver.py"],
    ...["--user-uid", String(USER_UID), "--kerneld-uid", String(KERNELD_UID)],
  ];
}

/** The text of one stream of a run, or of both. */
export function textOf(messages: Message[], name?: "stdout" | "stderr"): string {
  return messages
    .filter((message) => message.msg_type === "stream")
    .filter((message) => name === undefined || message.content.name === name)
    .map((message) => message.content.text ?? "")
    .join("");
}

/** The messages of a type. */
export function ofType(messages: Message[], msgType: string): Message[] {
  return messages.filter((message) => message.msg_type === msgType);
}

/** The value of a cell's last expression, as plain text. */
export function valueOf(run: Run): string | undefined {
  const [result] = ofType(run.messages, "execute_result");
  return result?.content.data?.["text/plain"] as string | undefined;
}

/** What the run ended with: `ok`, `aborted`, or the name of its error. */
export function endOf(run: Run): string | undefined {
  const { status, ename } = run.reply?.content ?? {};
  return status === "error" ? ename : status;
}

/** The lines of a Python program, without the indentation that they share. */
export function python(strings: TemplateStringsArray, ...values: (string | number)[]): string {
  const lines = String.raw({ raw: strings.raw }, ...values).split("\n");
  const filled = lines.filter((line) => line.trim() !== "");
  const indentation = Math.min(...filled.map((line) => line.length - line.trimStart().length));
  return lines
    .map((line) => line.slice(indentation))
    .join("\n")
    .trim();
}
