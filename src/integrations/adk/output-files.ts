import { FileContentEncoding, type File } from "@google/adk";
import { HotcellError } from "../../client/index.js";
import type { InterpreterResult } from "../model-parts.js";
import type { SessionByKey } from "../session-by-key.js";

/** Files that are larger stay in the session; and how much is taken of one run. */
const LARGEST_FILE_BYTES = 16 * 1024 * 1024;
const LARGEST_RUN_BYTES = 64 * 1024 * 1024;

const TYPES: Record<string, string> = {
  csv: "text/csv",
  gif: "image/gif",
  html: "text/html",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  json: "application/json",
  md: "text/markdown",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain",
  webp: "image/webp",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  zip: "application/zip",
};

function typeOf(path: string): string {
  const extension = /\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
  return (
    (Object.hasOwn(TYPES, extension) ? TYPES[extension] : undefined) ?? "application/octet-stream"
  );
}

/** A file as ADK takes it, in base64, and what the run's text calls it. */
export interface OutputFile extends File {
  shown: string;
}

/** A run's figures as files: `figure-3-1.png` is the first one of the third execution. */
export function figureFiles({ images, execution_count }: InterpreterResult): OutputFile[] {
  return images.map(({ name, media_type, data }, index) => ({
    name: `figure-${execution_count ?? 0}-${index + 1}.${media_type.replace(/^image\//, "")}`,
    content: data,
    contentEncoding: FileContentEncoding.BASE64,
    mimeType: media_type,
    shown: name,
  }));
}

/** The files that a run has made, read from its session; those that are too large or gone by now are left out. */
export async function sessionFiles(
  { session_id, files }: InterpreterResult,
  sessions: SessionByKey,
  signal: AbortSignal | undefined,
): Promise<OutputFile[]> {
  const read: OutputFile[] = [];
  let left = LARGEST_RUN_BYTES;
  for (const { path, bytes } of files) {
    if (bytes > Math.min(LARGEST_FILE_BYTES, left)) continue;
    try {
      const session = await sessions.session(session_id, signal);
      const content = Buffer.from(await (await session.files.get(path, { signal })).arrayBuffer());
      left -= content.length;
      read.push({
        name: path,
        content: content.toString("base64"),
        contentEncoding: FileContentEncoding.BASE64,
        mimeType: typeOf(path),
        shown: path,
      });
    } catch (error) {
      if (!(error instanceof HotcellError)) throw error;
    }
  }
  return read;
}
