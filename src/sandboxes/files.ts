import { z } from "zod";

import { type ByteStream, requestBytes } from "./byte-stream.js";
import { type CallOptions, callFor, callForNothing, refused, withQuery } from "./call.js";
import { gather } from "./gather.js";
import { violation } from "./link-error.js";
import type { SandboxLink } from "./link.js";
import { closeSource } from "./send-body.js";
import { count, digits, text } from "./untrusted.js";

/** Writing a large file out to memory-backed storage, and the rename, after its last byte has arrived. */
const WRITTEN_WITHIN_MS = 60_000;
const LIST_WITHIN_MS = 30_000;

const kind = z.enum(["file", "directory", "other"]);
const LONGEST_PATH = 4_096;

/** A file's metadata. `mtime_ns` and `inode` are decimal digits: JSON numbers cannot hold them. */
const fileStat = z.object({ kind, size: count, mtime_ns: digits, inode: digits });
export type FileStat = z.infer<typeof fileStat>;

/** What a directory holds, sorted by path. Paths are a sandbox's text: data, never to be opened. */
const fileList = z.object({
  entries: z
    .array(z.object({ path: text(LONGEST_PATH), kind, size: count, mtime_ns: digits }))
    .max(10_000),
  truncated: z.boolean(),
});
export type FileList = z.infer<typeof fileList>;

const fileHeaders = z.object({
  "x-file-size": digits.transform(Number).pipe(count),
  "x-file-mtime-ns": digits,
  "x-file-inode": digits,
});

/** A file being read: the bytes asked for, and what the whole file was when it was opened. */
export interface FileRead extends ByteStream {
  readonly size: number;
  readonly mtime_ns: string;
  readonly inode: string;
}

/** Where to read: from `offset` (0), `length` bytes (to the end). */
export interface FileRange {
  offset?: number | undefined;
  length?: number | undefined;
}

/** A sandbox's files. Paths are relative to its workspace or absolute inside it. Errors: LinkError, KerneldError. */
export interface FilesClient {
  /** Opens a file and reads it at the consumer's pace. */
  read(path: string, range?: FileRange, options?: CallOptions): Promise<FileRead>;
  stat(path: string, options?: CallOptions): Promise<FileStat>;
  list(path: string, depth: number, options?: CallOptions): Promise<FileList>;
  /** Writes a stream at the sandbox's pace, whole or not at all. The stream is closed in every case. */
  write(
    path: string,
    bytes: AsyncIterable<Uint8Array>,
    options?: CallOptions,
  ): Promise<{ created: boolean }>;
  /** Removes a file, or a directory with what is in it. */
  remove(path: string, options?: CallOptions): Promise<void>;
}

export function createFilesClient(link: SandboxLink): FilesClient {
  return {
    read: async (path, range = {}, options = {}) => {
      const { stream, headers } = await requestBytes(
        link,
        withQuery("/files", { path, offset: range.offset, length: range.length }),
        options.signal,
      );
      const known = fileHeaders.safeParse(headers);
      if (!known.success || (range.length !== undefined && stream.length > range.length)) {
        stream.close();
        throw violation("a file without its metadata, or longer than asked for");
      }
      return {
        ...stream,
        size: known.data["x-file-size"],
        mtime_ns: known.data["x-file-mtime-ns"],
        inode: known.data["x-file-inode"],
      };
    },
    stat: (path, options) =>
      callFor(link, fileStat, {
        ...options,
        method: "GET",
        path: withQuery("/files/stat", { path }),
        idempotent: true,
      }),
    list: (path, depth, options) =>
      callFor(link, fileList, {
        withinMs: LIST_WITHIN_MS,
        ...options,
        method: "GET",
        path: withQuery("/files/list", { path, depth }),
        idempotent: true,
      }),
    write: async (path, bytes, options = {}) => {
      const request = {
        method: "PUT",
        path: withQuery("/files", { path }),
        body: bytes,
        answerWithinMs: options.withinMs ?? WRITTEN_WITHIN_MS,
        signal: options.signal,
      } as const;
      const answer = await link.request(request).catch((error: unknown) => {
        closeSource(bytes);
        throw error;
      });
      if (answer.status >= 300) throw await refused(answer);
      return { created: (await gather(answer)).status === 201 };
    },
    remove: (path, options) =>
      callForNothing(link, {
        withinMs: LIST_WITHIN_MS,
        ...options,
        method: "DELETE",
        path: withQuery("/files", { path }),
        idempotent: false,
      }),
  };
}
