import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import {
  completeReplySchema,
  historyReplySchema,
  inspectReplySchema,
  isCompleteReplySchema,
} from "../../kernels/shell-reply.js";
import { commRequestSchema } from "../../sessions/comm-request.js";
import { historyRequestSchema } from "../../sessions/history-request.js";
import { kernelRequestSchema } from "../../sessions/kernel-request.js";
import { clientIdSchema, textSchema } from "../../sessions/session-options.js";
import type { SessionRegistry } from "../../sessions/session-registry.js";
import { kernelViewSchema } from "../../sessions/session-view.js";
import { clientDeparture } from "../client-departure.js";
import { problems } from "../problem.js";

const sessionParams = z.object({ session_id: clientIdSchema });
const params = sessionParams.extend({ kernel_id: z.uuid() });

const code = textSchema.describe("Source code");
const cursor = z
  .int()
  .min(0)
  .optional()
  .describe("In Unicode code points; the end of the code by default");

/** The calls that a busy kernel answers only after its execution. */
const replyProblems = problems(404, 410, 502, 503, 504);

export const kernelRoutes: FastifyPluginAsyncZod<{ sessions: SessionRegistry }> = async (
  app,
  { sessions },
) => {
  const tags = ["Kernels"];

  app.get(
    "/sessions/:session_id/kernels",
    {
      schema: {
        tags,
        summary: "The kernels of a session, the default one first",
        params: sessionParams,
        response: {
          200: z.object({ kernels: z.array(kernelViewSchema) }),
          ...problems(404, 410, 502, 503, 504),
        },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      return { kernels: await session.kernels.list({ signal: clientDeparture(reply) }) };
    },
  );

  app.post(
    "/sessions/:session_id/kernels",
    {
      schema: {
        tags,
        summary: "Add a kernel: a namespace of its own, or another language",
        params: sessionParams,
        body: kernelRequestSchema,
        response: { 201: kernelViewSchema, ...problems(404, 410, 422, 502, 503, 504) },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      const kernel = await session.kernels.create(request.body);
      const location = `/v1/sessions/${session.id}/kernels/${kernel.id}`;
      return reply.code(201).header("location", location).send(kernel);
    },
  );

  app.get(
    "/sessions/:session_id/kernels/:kernel_id",
    {
      schema: {
        tags,
        summary: "One kernel",
        params,
        response: { 200: kernelViewSchema, ...problems(404, 410, 502, 503, 504) },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      return session.kernels.get(request.params.kernel_id, { signal: clientDeparture(reply) });
    },
  );

  app.delete(
    "/sessions/:session_id/kernels/:kernel_id",
    {
      schema: {
        tags,
        summary: "End a kernel; what runs in it ends as `cancelled`, with reason `kernel_removed`",
        params,
        response: { 204: z.null(), ...problems(404, 410, 502, 503, 504) },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      await session.kernels.delete(request.params.kernel_id);
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/sessions/:session_id/kernels/:kernel_id/interrupt",
    {
      schema: {
        tags,
        summary: "Interrupt what runs in a kernel; nothing happens where nothing runs",
        params,
        response: { 204: z.null(), ...problems(404, 410, 502, 503, 504) },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      await session.kernels.interrupt(request.params.kernel_id);
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/sessions/:session_id/kernels/:kernel_id/restart",
    {
      schema: {
        tags,
        summary: "Start a kernel's interpreter anew: variables are gone, files stay",
        params,
        response: { 200: kernelViewSchema, ...problems(404, 410, 502, 503, 504) },
      },
    },
    async (request) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      return session.kernels.restart(request.params.kernel_id);
    },
  );

  app.post(
    "/sessions/:session_id/kernels/:kernel_id/complete",
    {
      schema: {
        tags,
        summary: "What could stand at the cursor",
        params,
        body: z.strictObject({ code, cursor }),
        response: { 200: completeReplySchema, ...replyProblems },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      const signal = clientDeparture(reply);
      return session.kernels.complete(request.params.kernel_id, request.body, { signal });
    },
  );

  app.post(
    "/sessions/:session_id/kernels/:kernel_id/inspect",
    {
      schema: {
        tags,
        summary: "What is known of the name at the cursor",
        params,
        body: z.strictObject({
          code,
          cursor,
          detail: z
            .union([z.literal(0), z.literal(1)])
            .optional()
            .describe("1: its source, too"),
        }),
        response: { 200: inspectReplySchema, ...replyProblems },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      const signal = clientDeparture(reply);
      return session.kernels.inspect(request.params.kernel_id, request.body, { signal });
    },
  );

  app.post(
    "/sessions/:session_id/kernels/:kernel_id/is_complete",
    {
      schema: {
        tags,
        summary: "Whether code is ready to be executed",
        params,
        body: z.strictObject({ code }),
        response: { 200: isCompleteReplySchema, ...replyProblems },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      const signal = clientDeparture(reply);
      return session.kernels.isComplete(request.params.kernel_id, request.body, { signal });
    },
  );

  app.post(
    "/sessions/:session_id/kernels/:kernel_id/history",
    {
      schema: {
        tags,
        summary: "What was executed in a kernel's interpreter, oldest first",
        params,
        body: historyRequestSchema.default({}),
        response: { 200: historyReplySchema, ...replyProblems },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      const signal = clientDeparture(reply);
      return session.kernels.history(request.params.kernel_id, request.body, { signal });
    },
  );

  app.post(
    "/sessions/:session_id/kernels/:kernel_id/comm",
    {
      schema: {
        tags,
        summary:
          "Send a comm message, behind what was to be executed before; the answers are events of the kernel",
        params,
        body: commRequestSchema,
        response: { 204: z.null(), ...problems(404, 410, 413, 429, 502, 503, 504) },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      await session.kernels.comm(request.params.kernel_id, request.body);
      return reply.code(204).send(null);
    },
  );
};
