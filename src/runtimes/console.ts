import { Writable } from "node:stream";

const TAIL_BYTES = 8 * 1024;
/** What is read of a console in a second; the sandbox's first process waits when it prints more. */
const BYTES_PER_SECOND = 256 * 1024;

/** The last words of a sandbox's first process. */
export interface Console {
  /** At most the last 8 KiB, standard output and error in the order they came. */
  tail(): string;
  /** Resolves when the output has ended, or after so many milliseconds. */
  ended(milliseconds: number): Promise<void>;
  close(): void;
}

/** A socket, or what docker-modem gives for an attached console. */
export type ConsoleStream = NodeJS.ReadableStream & { destroy?(): unknown };

/** Keeps the tail of what `connect` writes into the sink; pauses `stream` when that is too much. */
export function readConsole(stream: ConsoleStream, connect: (sink: Writable) => void): Console {
  let tail = Buffer.alloc(0);
  let budget = BYTES_PER_SECOND;
  let pause: NodeJS.Timeout | undefined;

  stream.on("data", (chunk: Buffer) => {
    budget -= chunk.length;
    if (budget > 0 || pause) return;
    stream.pause();
    pause = setTimeout(() => {
      pause = undefined;
      budget = BYTES_PER_SECOND;
      stream.resume();
    }, 1000);
    pause.unref();
  });
  connect(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        tail = Buffer.from(Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES));
        done();
      },
    }),
  );
  const end = new Promise<void>((resolve) => {
    for (const event of ["end", "close", "error"]) stream.on(event, resolve);
  });
  return {
    async ended(milliseconds) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
      await Promise.race([end, late]);
      clearTimeout(timer);
    },
    tail: () => tail.toString("utf8"),
    close() {
      clearTimeout(pause);
      stream.destroy?.();
    },
  };
}
