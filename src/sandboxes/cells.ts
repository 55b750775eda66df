import { z } from "zod";
import { requestBytes } from "./byte-stream.js";
import type { CallOptions } from "./call.js";
import { type Frame, createFrameParser } from "./frame-parser.js";
import { runStatus } from "./journal-record.js";
import { parseJsonText } from "./json.js";
import { LinkError, violation } from "./link-error.js";
import type { SandboxLink } from "./link.js";
import { count, journalNumber, kernelId, runId, timestamp } from "./untrusted.js";

/** More than kerneld keeps: 4 MiB of sources, or a larger one alone, and their heads. */
const MOST_BYTES = 16 * 1024 * 1024;
const MOST_CELLS = 5_000;

const forgottenHead = z.object({ forgotten: count });

const cellHead = z.object({
  run: runId,
  generation: count.nullable(),
  /** Null while it runs. */
  status: runStatus.nullable(),
  execution_count: count.nullable(),
  started_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
  first_n: journalNumber.nullable(),
  last_n: journalNumber.nullable(),
});

/** One run that has begun, with its source. */
export type KerneldCell = z.infer<typeof cellHead> & { source: string };

/** What was executed in a kernel, in order. */
export interface KerneldCells {
  /** How many earlier ones are not kept any more. */
  forgotten: number;
  cells: KerneldCell[];
}

/** What kernels have executed. */
export interface CellsClient {
  /** @throws LinkError, KerneldError, the signal's reason */
  read(kernel: string, options?: CallOptions): Promise<KerneldCells>;
}

export function createCellsClient(link: SandboxLink): CellsClient {
  return {
    read: async (kernel, options = {}) => {
      const path = `/kernels/${kernelId.parse(kernel)}/cells`;
      const { stream } = await requestBytes(link, path, options.signal);
      try {
        if (stream.length > MOST_BYTES) throw violation("more cells than kerneld keeps");
        return await readCells(stream);
      } catch (error) {
        if (error instanceof LinkError && error.code === "sandbox_protocol_violation") {
          link.events.emit("violation", error);
        }
        throw error;
      } finally {
        stream.close();
      }
    },
  };
}

async function readCells(chunks: AsyncIterable<Buffer>): Promise<KerneldCells> {
  const parser = createFrameParser();
  let forgotten: number | undefined;
  const cells: KerneldCell[] = [];
  for await (const chunk of chunks) {
    for (const frame of parser.push(chunk)) {
      if (forgotten === undefined) {
        ({ forgotten } = headOf(forgottenHead, frame));
        continue;
      }
      if (cells.length === MOST_CELLS) throw violation("more cells than kerneld keeps");
      cells.push({ ...headOf(cellHead, frame), source: frame.blobs.toString("utf8") });
    }
  }
  if (forgotten === undefined || parser.partial) throw violation("cells that end within a frame");
  return { forgotten, cells };
}

function headOf<T>(schema: z.ZodType<T>, { head }: Frame): T {
  const parsed = schema.safeParse(parseJsonText(head));
  if (!parsed.success) throw violation("a cell that kerneld never makes", parsed.error);
  return parsed.data;
}
