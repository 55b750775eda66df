import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { terminalFilter } from "./terminal-filter.js";

export interface LineInputOptions {
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  /** Ctrl+C, which is a key press while a line is read. */
  onInterrupt: () => void;
}

/** The person ended the input (Ctrl+D). */
export class InputEnded extends Error {
  override readonly name = "InputEnded";
}

/** Asks the person at the terminal for a line; a password is not shown. */
export type LineInput = (
  request: { prompt: string; password: boolean },
  signal: AbortSignal,
) => Promise<string>;

export function lineInput({ stdin, stdout, onInterrupt }: LineInputOptions): LineInput {
  return async ({ prompt, password }, signal) => {
    const plain = terminalFilter({ colour: false, eraseLine: false }).pass(prompt);
    const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({
      input: stdin,
      output: password ? hidden : stdout,
      terminal: true,
      historySize: 0,
    });
    const ended = new AbortController();
    try {
      lines.on("SIGINT", onInterrupt);
      lines.on("close", () => ended.abort(new InputEnded("the input has ended")));
      // The terminal echoes until it is read from: nobody may be asked for a password before.
      if (password) stdout.write(plain);
      return await lines.question(password ? "" : plain, {
        signal: AbortSignal.any([signal, ended.signal]),
      });
    } catch (error) {
      signal.throwIfAborted();
      throw ended.signal.aborted ? ended.signal.reason : error;
    } finally {
      lines.close();
      stdin.pause();
      if (password) stdout.write("\n");
    }
  };
}
