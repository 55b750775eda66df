import { Transform, type Readable, type Writable } from "node:stream";
import type { OnImageProgress } from "./image-progress.js";

const REPORT_BYTES = 20_000_000;

interface ArchiveTransfer {
  /** Makes the archive, and ends `output` only when it is whole. */
  write: (output: Writable, signal: AbortSignal) => Promise<void>;
  /** Takes the archive. An input that closes without an end was broken off: the signal is about to say why. */
  read: (input: Readable, signal: AbortSignal) => Promise<void>;
  /** What the reading is called in the progress. */
  step: string;
  onProgress: OnImageProgress;
  signal: AbortSignal;
}

/**
 * Streams an archive from its writer to its reader. The first of them to fail ends the other, and both have ended
 * when this does.
 *
 * @throws what failed first, or the signal's reason.
 */
export async function transferArchive(transfer: ArchiveTransfer): Promise<void> {
  const failure = new AbortController();
  const signal = AbortSignal.any([transfer.signal, failure.signal]);
  const failed = (error: unknown): void => failure.abort(error);
  const archive = sizeReport(transfer.step, transfer.onProgress);
  await Promise.all([
    transfer.write(archive, signal).catch(failed),
    transfer.read(archive, signal).catch(failed),
  ]);
  signal.throwIfAborted();
}

/** Lets an archive through and reports its size now and then. */
function sizeReport(step: string, onProgress: OnImageProgress): Transform {
  let bytes = 0;
  let reported = -1;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      bytes += chunk.length;
      const size = Math.floor(bytes / REPORT_BYTES) * (REPORT_BYTES / 1e6);
      if (size !== reported) onProgress({ step, detail: `${size} MB` });
      reported = size;
      callback(null, chunk);
    },
  });
}
