import type { FastifyReply, FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { sessionEventSchema } from "../../kernels/session-event.js";
import { isLastOfStream } from "../../sessions/session-events.js";
import { clientIdSchema } from "../../sessions/session-options.js";
import type { SessionRegistry } from "../../sessions/session-registry.js";
import type { Session } from "../../sessions/session.js";
import { clientDeparture } from "../client-departure.js";
import { answerEvents } from "../event-answer.js";
import { lastEventNumber, resumption } from "../last-event-id.js";
import { problems } from "../problem.js";

const sessionParams = z.object({ session_id: clientIdSchema });

const responses = {
  200: {
    description: "Server-sent events; the data of each is a SessionEvent",
    content: { "text/event-stream": { schema: sessionEventSchema } },
  },
  ...problems(404, 410, 502, 503, 504),
};

const WHERE =
  "From now on, or behind `Last-Event-ID` or `after`; `after=0` begins with all that is kept. The first event, " +
  "`following`, says behind which number the stream goes on";

export const eventRoutes: FastifyPluginAsyncZod<{
  sessions: SessionRegistry;
  stallMs?: number | undefined;
}> = async (app, { sessions, stallMs }) => {
  const tags = ["Events"];

  const follow = async (
    request: FastifyRequest,
    reply: FastifyReply,
    session: Session,
    { after, kernel }: { after: number | undefined; kernel?: string },
  ): Promise<FastifyReply> => {
    const signal = clientDeparture(reply);
    const events = await session.events.follow({ after, kernel, signal });
    await answerEvents(request, reply, {
      events: () => events,
      isLast: (event) => isLastOfStream(event, kernel?.toLowerCase()),
      stallMs,
    });
    return reply;
  };

  app.get(
    "/sessions/:session_id/events",
    {
      schema: {
        tags,
        summary: "Everything that happens in a session, until it ends",
        description: WHERE,
        params: sessionParams,
        ...resumption,
        response: responses,
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      return follow(request, reply, session, { after: lastEventNumber(request) });
    },
  );

  app.get(
    "/sessions/:session_id/kernels/:kernel_id/events",
    {
      schema: {
        tags,
        summary: "Everything that happens in a kernel, until it is removed or the session ends",
        description: WHERE,
        params: sessionParams.extend({ kernel_id: z.uuid() }),
        ...resumption,
        response: responses,
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      const { kernel_id: kernel } = request.params;
      const after = lastEventNumber(request);
      return follow(request, reply, session, { after, kernel });
    },
  );
};
