import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { clientIdSchema, sessionOptionsSchema } from "../../sessions/session-options.js";
import type { SessionRegistry } from "../../sessions/session-registry.js";
import { SESSION_STATES, sessionViewSchema } from "../../sessions/session-view.js";
import { HotcellError } from "../../errors.js";
import { problems } from "../problem.js";

const params = z.object({ session_id: clientIdSchema });

/** A session that was just made is wanted for its first execution, not for what it has used. */
const NEW_SESSION = { fresh: true, usageWithinMs: 20 };

const listQuery = z
  .object({
    state: z.enum(SESSION_STATES).optional(),
    cursor: z.string().max(512).optional(),
    limit: z.coerce.number().int().min(1).max(1000).default(100),
  })
  .catchall(z.string());

function metadataFilter(query: Record<string, unknown>): Record<string, string> {
  const filter: Record<string, string> = {};
  for (const [name, value] of Object.entries(query)) {
    if (["state", "cursor", "limit"].includes(name)) continue;
    const key = /^metadata\.(.+)$/.exec(name)?.[1];
    if (key === undefined) {
      throw new HotcellError("invalid_request", `${name}: is not a known parameter`, {
        errors: [{ path: name, message: "is not a known parameter" }],
      });
    }
    filter[key] = String(value);
  }
  return filter;
}

export const sessionRoutes: FastifyPluginAsyncZod<{ sessions: SessionRegistry }> = async (
  app,
  { sessions },
) => {
  const tags = ["Sessions"];

  app.post(
    "/sessions",
    {
      schema: {
        tags,
        summary: "Make a session",
        body: sessionOptionsSchema.extend({ id: clientIdSchema.optional() }).default({}),
        response: { 201: sessionViewSchema, ...problems(409, 422, 429, 502, 503) },
      },
    },
    async (request, reply) => {
      const { id, ...options } = request.body;
      const session = await sessions.create(request.tenant, id, options);
      return reply
        .code(201)
        .header("location", `/v1/sessions/${session.id}`)
        .send(await session.view(NEW_SESSION));
    },
  );

  app.put(
    "/sessions/:session_id",
    {
      schema: {
        tags,
        summary: "Make a session, or find it as it was made",
        params,
        body: sessionOptionsSchema.default({}),
        response: {
          200: sessionViewSchema,
          201: sessionViewSchema,
          ...problems(409, 422, 429, 502, 503),
        },
      },
    },
    async (request, reply) => {
      const { session, made } = await sessions.ensure(
        request.tenant,
        request.params.session_id,
        request.body,
      );
      return reply.code(made ? 201 : 200).send(await session.view(made ? NEW_SESSION : undefined));
    },
  );

  app.get(
    "/sessions",
    {
      schema: {
        tags,
        summary: "List sessions, newest first; `metadata.<key>=<value>` filters",
        querystring: listQuery,
        response: {
          200: z.object({
            sessions: z.array(sessionViewSchema),
            next_cursor: z.string().nullable(),
          }),
          ...problems(400),
        },
      },
    },
    async (request) => {
      const { state, cursor, limit } = request.query;
      return sessions.list(request.tenant, {
        state,
        cursor,
        limit,
        metadata: metadataFilter(request.query),
      });
    },
  );

  app.get(
    "/sessions/:session_id",
    {
      schema: {
        tags,
        summary: "One session",
        params,
        response: { 200: sessionViewSchema, ...problems(404, 410) },
      },
    },
    async (request) => sessions.get(request.tenant, request.params.session_id).view(),
  );

  app.delete(
    "/sessions/:session_id",
    {
      schema: {
        tags,
        summary: "End a session",
        params,
        response: { 204: z.null(), ...problems(404, 410) },
      },
    },
    async (request, reply) => {
      await sessions.end(request.tenant, request.params.session_id, "session_deleted");
      return reply.code(204).send(null);
    },
  );
};
