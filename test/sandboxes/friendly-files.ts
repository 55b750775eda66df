import type { IncomingMessage, ServerResponse } from "node:http";

import { answer, refuse } from "./friendly-answer.js";

/** Contents by path, relative to the workspace. */
export type FriendlyFiles = Map<string, Buffer>;

/** Serves the files calls from memory; directories are what paths imply. */
export async function serveFiles(
  files: FriendlyFiles,
  request: IncomingMessage,
  response: ServerResponse,
  action: string,
  query: URLSearchParams,
): Promise<void> {
  const path = (query.get("path") ?? "").replace(/^\/workspace\/?/, "");
  const file = files.get(path);
  const inside = [...files.keys()].filter((key) => path === "" || key.startsWith(`${path}/`));
  const metadata = { mtime_ns: "1700000000000000000", inode: "42" };
  if (action === "list") {
    const entries = inside
      .sort()
      .map((key) => ({ path: key, kind: "file", size: files.get(key)?.length, ...metadata }));
    answer(response, 200, { entries, truncated: false });
  } else if (action === "stat") {
    if (file !== undefined) answer(response, 200, { kind: "file", size: file.length, ...metadata });
    else if (inside.length > 0) answer(response, 200, { kind: "directory", size: 0, ...metadata });
    else refuse(response, 404, "file_not_found");
  } else if (request.method === "PUT") {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    files.set(path, Buffer.concat(chunks));
    response.writeHead(file === undefined ? 201 : 204).end();
  } else if (file === undefined) {
    if (request.method === "DELETE" && inside.length > 0) {
      for (const key of inside) files.delete(key);
      response.writeHead(204).end();
      return;
    }
    if (inside.length > 0) refuse(response, 409, "is_directory");
    else refuse(response, 404, "file_not_found");
  } else if (request.method === "DELETE") {
    files.delete(path);
    response.writeHead(204).end();
  } else {
    const offset = Number(query.get("offset") ?? 0);
    const length = Number(query.get("length") ?? file.length - offset);
    const bytes = file.subarray(offset, offset + length);
    response
      .writeHead(200, {
        "content-length": bytes.length,
        "x-file-size": file.length,
        "x-file-mtime-ns": metadata.mtime_ns,
        "x-file-inode": metadata.inode,
      })
      .end(bytes);
  }
}
