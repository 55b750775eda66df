import type { Listing } from "../sessions/file-listing.js";
import { isListing } from "./answers.js";
import type { CallOptions } from "./options.js";
import { filePath } from "./path.js";
import type { Transport } from "./transport.js";

export type { Listing };
export type FileEntry = Listing["entries"][number];

/** What can be written to a file. A stream is sent as it comes, where `fetch` can do that: in Node, not in most browsers. */
export type FileData =
  string | Uint8Array<ArrayBuffer> | ArrayBuffer | Blob | ReadableStream<Uint8Array>;

/** Largest file that is read as text. */
const LARGEST_TEXT_BYTES = 256 * 1024 * 1024;

/** A session's files. Paths are relative to `/workspace`, or absolute inside it. Every method throws HotcellError, or its signal's reason. */
export class SessionFiles {
  readonly #gateway: Transport;
  readonly #session: string;

  /** Made by its session. */
  constructor(gateway: Transport, session: string) {
    this.#gateway = gateway;
    this.#session = session;
  }

  /** Writes a file, whole or not at all; its parents are made, and one that was there is replaced. */
  async put(path: string, data: FileData, options?: CallOptions): Promise<{ created: boolean }> {
    const { status } = await this.#gateway.request("PUT", this.#path(path), {
      ...options,
      data,
      withinMs: Infinity,
    });
    return { created: status === 201 };
  }

  /** A file as `fetch` gives it, to be read as it comes: `body`, `arrayBuffer()`, `blob()`, … */
  async get(path: string, options?: CallOptions): Promise<Response> {
    return this.#gateway.request("GET", this.#path(path), { ...options, accept: "*/*" });
  }

  /** A file as text, in UTF-8. */
  async text(path: string, options?: CallOptions): Promise<string> {
    const response = await this.get(path, options);
    const bytes = await this.#gateway.bytes(response, LARGEST_TEXT_BYTES, options);
    return new TextDecoder().decode(bytes);
  }

  /** What a directory holds, `depth` levels of it, sorted by path; of `/workspace` itself by default. */
  async list(
    path = "",
    { depth = 1, ...options }: CallOptions & { depth?: number | undefined } = {},
  ): Promise<Listing> {
    const place = `${this.#path(path)}?list&depth=${depth}`;
    return this.#gateway.json(
      await this.#gateway.request("GET", place, options),
      isListing,
      options,
    );
  }

  /** Removes a file, or a directory with what is in it. */
  async delete(path: string, options?: CallOptions): Promise<void> {
    await this.#gateway.request("DELETE", this.#path(path), options);
  }

  #path(path: string): string {
    return filePath(this.#session, path);
  }
}
