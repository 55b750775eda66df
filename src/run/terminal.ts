import { once } from "node:events";
import { oneLine, type TerminalFilter, terminalFilter } from "./terminal-filter.js";

/** The part of standard output and standard error that is used. */
export interface OutputStream {
  readonly isTTY?: boolean | undefined;
  write(text: string): boolean;
  once(event: "drain" | "error", listener: (error?: Error) => void): unknown;
}

export interface Terminal {
  /** Whether a person watches standard error. */
  readonly watched: boolean;
  /** What the code printed. Resolves when more can be taken. */
  print(name: "stdout" | "stderr", text: string): Promise<void>;
  /** The same, on lines of its own. */
  printLines(name: "stdout" | "stderr", text: string): Promise<void>;
  /** A message of ours, on a line of its own on standard error. */
  say(message: string): Promise<void>;
  /** Takes back what the code set (colours). */
  close(): Promise<void>;
}

export interface TerminalOptions {
  stdout: OutputStream;
  stderr: OutputStream;
  env: NodeJS.ProcessEnv;
  /** Ends a wait for a reader that does not read. */
  signal: AbortSignal;
}

/** One of the two streams, with the filter that everything on it goes through. */
interface Channel {
  stream: OutputStream;
  filter: TerminalFilter;
  /** Where the cursor is, shared by streams that share a terminal. */
  cursor: { midLine: boolean };
}

/** Standard output and standard error, with nothing on them that a terminal could be made to obey. */
export function openTerminal(options: TerminalOptions): Terminal {
  const { env, signal } = options;
  const plain = (env["NO_COLOR"] ?? "") !== "";
  const dumb = env["TERM"] === "dumb";
  const shared = { midLine: false };
  const channel = (stream: OutputStream): Channel => {
    const terminal = stream.isTTY === true && !dumb;
    return {
      stream,
      filter: terminalFilter({ colour: terminal && !plain, eraseLine: terminal }),
      cursor: stream.isTTY === true ? shared : { midLine: false },
    };
  };
  const channels = { stdout: channel(options.stdout), stderr: channel(options.stderr) };

  const write = async ({ stream, cursor }: Channel, text: string): Promise<void> => {
    if (text === "") return;
    cursor.midLine = !text.endsWith("\n");
    if (!stream.write(text.toWellFormed())) {
      await once(stream as unknown as NodeJS.EventEmitter, "drain", { signal });
    }
  };
  const startLine = ({ cursor }: Channel): string => (cursor.midLine ? "\n" : "");
  /** What the code left on either stream must not colour or hide what follows. */
  const takeBack = async (): Promise<void> => {
    for (const { stream, filter } of Object.values(channels)) {
      const back = filter.reset();
      if (back !== "") stream.write(back);
    }
  };

  return {
    watched: options.stderr.isTTY === true,
    print: (name, text) => write(channels[name], channels[name].filter.pass(text)),
    printLines: async (name, text) => {
      const target = channels[name];
      const passed = target.filter.pass(text);
      const lines = `${startLine(target)}${passed}${passed.endsWith("\n") ? "" : "\n"}`;
      await write(target, lines);
    },
    say: async (message) => {
      await takeBack();
      await write(channels.stderr, `${startLine(channels.stderr)}${oneLine(message)}\n`);
    },
    close: takeBack,
  };
}
