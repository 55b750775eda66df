import type { Readable } from "node:stream";
import { Readable as ReadableStream } from "node:stream";
import { HotcellError } from "../errors.js";
import type { FileRange, FilesClient } from "../sandboxes/files.js";
import type { Listing } from "./file-listing.js";
import { forClient } from "./sandbox-error.js";

export interface OpenFile {
  /** Size of the whole file when it was opened. */
  size: number;
  mtimeNs: string;
  inode: string;
  /** How many bytes `body` will give. */
  length: number;
  body: Readable;
}

/** A session's files. Paths are relative to `/workspace`, or absolute inside it. */
export class SessionFiles {
  constructor(
    private readonly client: () => Promise<FilesClient>,
    private readonly touch: () => void,
  ) {}

  async read(path: string, range: FileRange, signal: AbortSignal): Promise<OpenFile> {
    const client = await this.client();
    const file = await forClient(client.read(path, range, { signal }));
    this.touch();
    return {
      size: file.size,
      mtimeNs: file.mtime_ns,
      inode: file.inode,
      length: file.length,
      body: ReadableStream.from(file, { objectMode: false }),
    };
  }

  async stat(path: string): Promise<{ size: number }> {
    const client = await this.client();
    const stat = await forClient(client.stat(path));
    if (stat.kind === "directory") {
      throw new HotcellError("is_directory", "The path is a directory: add ?list to list it");
    }
    return stat;
  }

  async list(path: string, depth: number): Promise<Listing> {
    const client = await this.client();
    const { entries, truncated } = await forClient(client.list(path, depth));
    this.touch();
    return {
      entries: entries.map(({ path, kind, size, mtime_ns }) => ({
        path,
        kind,
        size,
        modified_at: new Date(
          Math.min(Number(BigInt(mtime_ns) / 1_000_000n), 8.64e15),
        ).toISOString(),
      })),
      truncated,
    };
  }

  /** Returns whether the file is new. The file is there whole, or as it was before. */
  async write(
    path: string,
    bytes: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const client = await this.client();
    const { created } = await forClient(client.write(path, bytes, { signal }));
    this.touch();
    return created;
  }

  async remove(path: string): Promise<void> {
    const client = await this.client();
    await forClient(client.remove(path));
    this.touch();
  }
}
