import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { HotcellError } from "../../errors.js";
import { listingSchema } from "../../sessions/file-listing.js";
import { clientIdSchema, pathSchema } from "../../sessions/session-options.js";
import type { SessionRegistry } from "../../sessions/session-registry.js";
import { clientDeparture } from "../client-departure.js";
import { parseByteRange } from "../byte-range.js";
import { problems } from "../problem.js";

const params = z.object({ session_id: clientIdSchema, "*": pathSchema });

const listQuery = z.object({
  list: z.string().optional().describe("List the directory instead of reading the file"),
  depth: z.coerce.number().int().min(1).max(32).default(1),
});

/** A validator from what changes when a file is written or replaced. Weak: two writes in one clock tick are alike. */
function entityTag(file: { size: number; mtimeNs: string; inode: string }): string {
  const identity = `${file.inode}:${file.mtimeNs}:${file.size}`;
  return `W/"${createHash("sha256").update(identity).digest("base64url").slice(0, 22)}"`;
}

function httpDate(mtimeNs: string): string {
  const milliseconds = Number(BigInt(mtimeNs) / 1_000_000n);
  return new Date(Math.min(milliseconds, 8.64e15)).toUTCString();
}

/** Whether `If-None-Match` names this tag (RFC 9110, 13.1.2: weak comparison). */
function matches(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === "*" || header.split(",").some((entry) => entry.trim() === tag);
}

/** What a sandbox wrote must do nothing on the API's origin: it is saved, never shown or run. */
const UNTRUSTED_BYTES = {
  "content-type": "application/octet-stream",
  "content-disposition": "attachment",
  "content-security-policy": "sandbox; default-src 'none'",
};

const bytes = {
  description: "The file's bytes",
  content: { "application/octet-stream": { schema: z.string() } },
};

export const fileRoutes: FastifyPluginAsyncZod<{ sessions: SessionRegistry }> = async (
  app,
  { sessions },
) => {
  const tags = ["Files"];
  // A file may be of any size and any type: its body is passed on as it comes.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));

  app.get(
    "/sessions/:session_id/files/*",
    {
      schema: {
        tags,
        summary: "Read a file (`Range`, `If-None-Match`), or with `?list` a directory",
        params,
        querystring: listQuery,
        response: {
          200: {
            ...bytes,
            content: { ...bytes.content, "application/json": { schema: listingSchema } },
          },
          206: bytes,
          304: z.null(),
          ...problems(403, 404, 409, 410, 416, 422, 503),
        },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      const path = request.params["*"];
      if (request.query.list !== undefined) {
        return (reply as FastifyReply).send(await session.files.list(path, request.query.depth));
      }
      const gone = clientDeparture(reply);

      const range = parseByteRange(request.headers.range);
      const size = range === undefined ? undefined : (await session.files.stat(path)).size;
      const span = range === undefined || size === undefined ? undefined : range.within(size);
      if (span === null) {
        reply.header("content-range", `bytes */${size ?? 0}`);
        throw new HotcellError("range_not_satisfiable", `The file has ${size ?? 0} bytes`);
      }
      const file = await session.files.read(path, span ?? { offset: 0 }, gone);
      const tag = entityTag(file);
      reply.headers({
        ...UNTRUSTED_BYTES,
        etag: tag,
        "last-modified": httpDate(file.mtimeNs),
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
      });
      if (matches(request.headers["if-none-match"], tag)) {
        file.body.destroy();
        return reply.code(304).removeHeader("content-type").send(null);
      }
      reply.header("content-length", file.length);
      if (span !== undefined) {
        reply
          .code(206)
          .header(
            "content-range",
            `bytes ${span.offset}-${span.offset + file.length - 1}/${file.size}`,
          );
      }
      if (request.method === "HEAD") {
        file.body.destroy();
        return (reply as FastifyReply).send(Readable.from([]));
      }
      return (reply as FastifyReply).send(file.body);
    },
  );

  app.put(
    "/sessions/:session_id/files/*",
    {
      schema: {
        tags,
        summary:
          "Write a file of any size; parents are made, the file is replaced at the end at once",
        params,
        response: { 201: z.null(), 204: z.null(), ...problems(403, 404, 409, 410, 422, 503, 507) },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      const gone = clientDeparture(reply);
      const body = request.body as Readable | undefined;
      const created = await session.files.write(request.params["*"], body ?? request.raw, gone);
      return reply.code(created ? 201 : 204).send(null);
    },
  );

  app.delete(
    "/sessions/:session_id/files/*",
    {
      schema: {
        tags,
        summary: "Remove a file, or a directory and what is in it",
        params,
        response: { 204: z.null(), ...problems(403, 404, 409, 410, 422, 503) },
      },
    },
    async (request, reply) => {
      await sessions
        .get(request.tenant, request.params.session_id)
        .files.remove(request.params["*"]);
      return reply.code(204).send(null);
    },
  );
};
