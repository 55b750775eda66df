import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { transferArchive } from "../../src/images/archive-transfer.js";
import { runChildProcess } from "../../src/images/child-process.js";

const quiet = { step: "unpacking", onProgress: () => undefined };
const { signal } = new AbortController();

const untilAborted = async (ending: AbortSignal): Promise<void> => {
  if (!ending.aborted) await once(ending, "abort");
  ending.throwIfAborted();
};

describe("the transfer of an archive", () => {
  it("gives the reader what the writer writes, and reports its size", async () => {
    const steps: unknown[] = [];
    let read = "";
    await transferArchive({
      step: "unpacking",
      onProgress: (progress) => steps.push(progress),
      signal,
      write: async (output) => void output.end("archive"),
      read: async (input) => void (read = await text(input)),
    });
    expect(read).toBe("archive");
    expect(steps).toEqual([{ step: "unpacking", detail: "0 MB" }]);
  });

  it("that breaks off never looks whole to a program that reads it", async () => {
    const transfer = transferArchive({
      ...quiet,
      signal,
      write: async (output) => {
        output.write("half");
        output.destroy();
        throw new Error("no mirror");
      },
      read: (input, either) => runChildProcess("cat", [], { stdin: input, signal: either }),
    });
    await expect(transfer).rejects.toThrow(/^no mirror$/);
  });

  it("ends its writer when the reader fails", async () => {
    const transfer = transferArchive({
      ...quiet,
      signal,
      write: async (output, either) => {
        output.write("archive");
        await untilAborted(either);
      },
      read: (input, either) =>
        runChildProcess("sh", ["-c", "echo disk full >&2; exit 2"], {
          stdin: input,
          signal: either,
        }),
    });
    await expect(transfer).rejects.toThrow(/^sh ended with status 2:\ndisk full$/);
  });

  it("ends both when it is told to stop", async () => {
    const stop = new AbortController();
    const transfer = transferArchive({
      ...quiet,
      signal: stop.signal,
      write: async (_output, either) => untilAborted(either),
      read: async (_input, either) => {
        stop.abort(new Error("enough"));
        await untilAborted(either);
      },
    });
    await expect(transfer).rejects.toThrow(/^enough$/);
  });
});
