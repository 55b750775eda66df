import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { clientIdSchema } from "../../sessions/session-options.js";
import type { SessionRegistry } from "../../sessions/session-registry.js";
import { serveSocket } from "../../streaming/socket-session.js";
import { problemOf, toHotcellError } from "../problem.js";

export const streamRoutes: FastifyPluginAsyncZod<{
  sessions: SessionRegistry;
  stallMs?: number | undefined;
}> = async (app, { sessions, stallMs }) => {
  app.get(
    "/sessions/:session_id/stream",
    {
      websocket: true,
      schema: {
        tags: ["Executions"],
        summary: "WebSocket: many executions over one connection; see SocketMessage",
        params: z.object({ session_id: clientIdSchema }),
      },
      // Refused before the upgrade, so that the client gets a plain HTTP answer.
      preValidation: async (request) => {
        sessions.get(request.tenant, request.params.session_id);
      },
    },
    (socket, request) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      serveSocket(socket, session, {
        log: request.log,
        stallMs,
        execution: (id) => sessions.execution(request.tenant, session.id, id),
        problem: (error) => {
          const known = toHotcellError(error);
          if (known.code === "internal_error")
            request.log.error({ err: error }, "socket request failed");
          return problemOf(known, request.id);
        },
      });
    },
  );
};
