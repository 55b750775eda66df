import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import {
  type ExecutionEvent,
  type ExecutionOptions,
  Hotcell,
  type Result,
  type Session,
  type SessionOptions,
} from "../../src/client/index.js";
import { runtime } from "./runtime.js";

const MAIN = new URL("../../dist/main.js", import.meta.url).pathname;

/** A gateway as a newcomer runs it: a process of its own, with a home of its own. */
export interface GatewayProcess {
  readonly url: string;
  readonly key: string;
  readonly home: string;
  /** The SDK's client of it, with its key. */
  readonly client: Hotcell;
  readonly process: ChildProcess;
  /** Everything it printed on standard output. */
  readonly printed: string;
  /** Everything it logged. */
  logged(): string;
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Response>;
  /** Makes a session and returns its id. */
  session(options?: SessionOptions): Promise<string>;
  execute(session: string, code: string, options?: ExecutionOptions): Promise<Result>;
  /** An execution's events, to the end. */
  events(session: string, code: string, options?: ExecutionOptions): Promise<ExecutionEvent[]>;
  /** Sends a signal and waits for the end; returns the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Stops it and removes its home. */
  close(): Promise<void>;
}

export interface GatewayProcessOptions {
  home?: string;
  env?: Record<string, string>;
  /** Further arguments. */
  args?: string[];
  /** Whether a stop leaves the sessions to the next gateway of the home; otherwise it ends them. */
  keepSessions?: boolean;
  port?: number;
  /** The command's file; what this repository has built otherwise. */
  main?: string;
}

/** Each gateway has a home of its own, but none builds an image of its own. */
export function sharedImages(): Record<string, string> {
  const root = process.env["HOTCELL_TEST_ROOT"];
  return root === undefined ? {} : { HOTCELL_IMAGES: dirname(root) };
}

/** Starts `hotcell serve` on a free port and waits until it says where it is. */
export async function startGatewayProcess(
  options: GatewayProcessOptions = {},
): Promise<GatewayProcess> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), "hc-")));
  const args = [
    ...["serve", ...(options.keepSessions === true ? [] : ["--end-sessions"])],
    ...(options.args ?? []),
  ];
  const child = spawn(process.execPath, [options.main ?? MAIN, ...args], {
    // A group of its own: whoever kills it kills what it has started, too.
    detached: true,
    env: {
      PATH: process.env["PATH"],
      HOTCELL_HOME: home,
      HOTCELL_PORT: String(options.port ?? 0),
      HOTCELL_RUNTIME: runtime,
      ...sharedImages(),
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const lines: string[] = [];
  const exited = once(child, "exit");
  await Promise.race([
    (async () => {
      for await (const line of createInterface(child.stdout)) {
        lines.push(line);
        if (line.startsWith("Ctrl+C")) return;
      }
    })(),
    exited.then(() => undefined),
  ]);
  const printed = lines.join("\n");
  const url = /Address +(\S+)/.exec(printed)?.[1];
  if (url === undefined) {
    if (options.home === undefined) await rm(home, { recursive: true, force: true });
    throw new Error(`the gateway did not start: ${log}`);
  }
  child.stdout.resume();
  const key = options.env?.["HOTCELL_API_KEY"] ?? /Key +(\S+)/.exec(printed)?.[1] ?? "";

  const call: GatewayProcess["call"] = (method, path, body, headers = {}) =>
    fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const client = new Hotcell({ url, key, retry: { for_s: 0 } });
  const sessions = new Map<string, Session>();
  const sessionOf = async (id: string): Promise<Session> => {
    const session = sessions.get(id) ?? (await client.attach(id));
    sessions.set(id, session);
    return session;
  };
  const stop = async (signal: NodeJS.Signals = "SIGTERM") => {
    const running = child.exitCode === null && child.signalCode === null;
    // A second SIGTERM would end it at once, with its sandboxes left to the next gateway of this home.
    if (running && !(child.killed && signal === "SIGTERM")) child.kill(signal);
    await exited;
    return child.exitCode;
  };
  return {
    url,
    key,
    home,
    client,
    process: child,
    printed,
    logged: () => log,
    call,
    session: async (body) => {
      const session = await client.session(body);
      sessions.set(session.id, session);
      return session.id;
    },
    execute: async (id, code, asked) => (await sessionOf(id)).run(code, asked),
    events: async (id, code, asked) => {
      const events: ExecutionEvent[] = [];
      for await (const event of (await sessionOf(id)).stream(code, asked)) events.push(event);
      return events;
    },
    stop,
    close: async () => {
      await stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
