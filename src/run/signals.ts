import { RUN_EXIT } from "./exit-code.js";

/** A signal ended the command, or asked it to end. */
export class Stopped extends Error {
  override readonly name = "Stopped";

  constructor(readonly exitCode: number) {
    super("stopped by a signal");
  }
}

export interface RunSignals {
  /** Aborted by the first Ctrl+C. */
  readonly interrupted: AbortSignal;
  /** Aborted when all is to end: by a second Ctrl+C, by SIGTERM, when the terminal or the reader of the output is gone. */
  readonly stopped: AbortSignal;
  /** Ctrl+C that came as a key press: a terminal that is read in raw mode sends no signal. */
  interrupt(): void;
  /** All is to end, with this exit code. */
  stop(exitCode: number): void;
  /** Signals have their usual effect again. Idempotent. */
  close(): void;
}

/** 128 and the signal's number: how shells say that a signal ended a command. */
const EXIT_OF = { SIGINT: RUN_EXIT.interrupted, SIGTERM: 143, SIGHUP: 129 } as const;

/** Turns signals into requests: first to interrupt the code, then to end everything, then the process ends at once. */
export function listenForSignals(): RunSignals {
  const interrupted = new AbortController();
  const stopped = new AbortController();
  const stop = (exitCode: number): void => {
    if (stopped.signal.aborted) process.exit(exitCode);
    const reason = new Stopped(exitCode);
    interrupted.abort(reason);
    stopped.abort(reason);
  };
  const interrupt = (): void => {
    if (interrupted.signal.aborted) stop(EXIT_OF.SIGINT);
    else interrupted.abort(new Stopped(EXIT_OF.SIGINT));
  };
  const terminate = (): void => stop(EXIT_OF.SIGTERM);
  const hangUp = (): void => stop(EXIT_OF.SIGHUP);
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", terminate);
  process.on("SIGHUP", hangUp);
  return {
    interrupted: interrupted.signal,
    stopped: stopped.signal,
    interrupt,
    stop,
    close: () => {
      process.off("SIGINT", interrupt);
      process.off("SIGTERM", terminate);
      process.off("SIGHUP", hangUp);
    },
  };
}
