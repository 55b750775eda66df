import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { eventSchema } from "../../kernels/event.js";
import type { CharacterBudget } from "../../kernels/character-budget.js";
import { Gathering } from "../../kernels/gathering.js";
import { executeRequestSchema, executionRequestSchema } from "../../sessions/execution-request.js";
import { inputRequestShape } from "../../sessions/input-request.js";
import { clientIdSchema } from "../../sessions/session-options.js";
import type { SessionRegistry } from "../../sessions/session-registry.js";
import { executionViewSchema } from "../../sessions/session-view.js";
import { executionResultSchema } from "../../streaming/execution-result.js";
import type { Session } from "../../sessions/session.js";
import { answerExecution, sendGathered, streamExecution } from "../execution-answer.js";
import { lastEventNumber, resumption } from "../last-event-id.js";
import { unfenced } from "../../tools/code-fence.js";
import { problems } from "../problem.js";

const sessionParams = z.object({ session_id: clientIdSchema });
const params = sessionParams.extend({ execution_id: clientIdSchema });

const eventStream = z
  .string()
  .describe("Server-sent events; the data of each is an ExecutionEvent");

const executionResponses = {
  200: {
    description:
      "The execution, gathered as JSON or streamed. Code that fails is a 200: `status` says how it went",
    content: {
      "application/json": { schema: executionResultSchema },
      "text/event-stream": { schema: eventSchema },
    },
  },
  202: executionViewSchema,
  ...problems(404, 406, 409, 410, 413, 422, 429, 502, 503),
};

export const executionRoutes: FastifyPluginAsyncZod<{
  sessions: SessionRegistry;
  stallMs?: number | undefined;
  budget?: CharacterBudget | undefined;
}> = async (app, { sessions, stallMs, budget }) => {
  const tags = ["Executions"];

  app.post(
    "/sessions/:session_id/execute",
    {
      schema: {
        tags,
        summary: "Execute code in a session",
        params: sessionParams,
        body: executionRequestSchema,
        response: executionResponses,
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      const { body } = request;
      return answerExecution(request, reply, body, {
        accept: () => session.executions.execute({ ...body, code: unfenced(body.code) }),
        stallMs,
        budget,
      });
    },
  );

  app.post(
    "/execute",
    {
      schema: {
        tags,
        summary: "Execute code in a session that is made on first use",
        body: executeRequestSchema,
        response: executionResponses,
      },
    },
    async (request, reply) => {
      const {
        session: id,
        image,
        runtime,
        isolation,
        limits,
        lifetime,
        files,
        kernels,
        metadata,
        env,
        cwd,
        ...run
      } = request.body;
      const options = {
        image,
        runtime,
        isolation,
        limits,
        lifetime,
        files,
        kernels,
        metadata,
        env,
        cwd,
      };
      return answerExecution(request, reply, run, {
        accept: async () => {
          const session =
            id === undefined
              ? await sessions.create(request.tenant, undefined, options)
              : await sessions.firstUse(request.tenant, id, options);
          return session.executions.execute({ ...run, code: unfenced(run.code) });
        },
        stallMs,
        budget,
      });
    },
  );

  app.get(
    "/sessions/:session_id/executions",
    {
      schema: {
        tags,
        summary: "Recent executions, newest first",
        params: sessionParams,
        response: {
          200: z.object({ executions: z.array(executionViewSchema) }),
          ...problems(404, 410, 503),
        },
      },
    },
    async (request) => ({
      executions: await sessions.get(request.tenant, request.params.session_id).executions.list(),
    }),
  );

  app.get(
    "/sessions/:session_id/executions/:execution_id",
    {
      schema: {
        tags,
        summary: "One execution, gathered as far as it has come",
        params,
        response: { 200: executionResultSchema, ...problems(404, 410, 503) },
      },
    },
    async (request, reply) => {
      const { session_id: id, execution_id } = request.params;
      const execution = await sessions.execution(request.tenant, id, execution_id);
      const gathering = new Gathering({ budget });
      try {
        for await (const event of execution.soFar()) gathering.add(event);
        await sendGathered(request, reply, execution, { gathering, stallMs });
      } finally {
        gathering.close();
      }
      return reply;
    },
  );

  app.get(
    "/sessions/:session_id/executions/:execution_id/events",
    {
      schema: {
        tags,
        summary: "An execution's events from the beginning, or after `Last-Event-ID` or `after`",
        params,
        ...resumption,
        response: {
          200: { description: "Events", content: { "text/event-stream": { schema: eventStream } } },
          204: z.null().describe("Nothing can follow"),
          ...problems(404, 410, 503),
        },
      },
    },
    async (request, reply) => {
      const { session_id: id, execution_id } = request.params;
      const execution = await sessions.execution(request.tenant, id, execution_id);
      const after = lastEventNumber(request);
      if (after !== undefined && execution.nothingAfter(after)) return reply.code(204).send(null);
      if (after !== undefined && execution.run.state !== "finished") {
        await sessions.get(request.tenant, id).events.assertReached(after);
      }
      await streamExecution(request, reply, execution, { after, stallMs });
      return reply;
    },
  );

  app.post(
    "/sessions/:session_id/executions/:execution_id/interrupt",
    {
      schema: {
        tags,
        summary: "Interrupt a running execution; it ends as `interrupted`",
        params,
        response: { 204: z.null(), ...problems(404, 409, 410, 503) },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      await session.executions.interrupt(request.params.execution_id);
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/sessions/:session_id/executions/:execution_id/input",
    {
      schema: {
        tags,
        summary: "Answer an `input_request`",
        params,
        body: z.strictObject(inputRequestShape),
        response: { 204: z.null(), ...problems(404, 409, 410, 503) },
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      const { value, n } = request.body;
      await session.executions.input(request.params.execution_id, value, n);
      return reply.code(204).send(null);
    },
  );

  app.delete(
    "/sessions/:session_id/executions/:execution_id",
    {
      schema: {
        tags,
        summary: "Cancel an execution, running or queued; answers how it ended",
        params,
        response: { 200: executionViewSchema, ...problems(404, 409, 410, 503) },
      },
    },
    async (request) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      return session.executions.cancel(request.params.execution_id);
    },
  );

  const sendArtifact = async (reply: FastifyReply, session: Session, id: string) => {
    const artifact = await session.executions.artifact(id);
    return reply
      .type("application/octet-stream")
      .header("content-length", artifact.length)
      .header("content-disposition", "attachment")
      .header("content-security-policy", "sandbox; default-src 'none'")
      .send(Readable.from(artifact, { objectMode: false }));
  };
  const artifactResponses = {
    200: {
      description: "The value's bytes",
      content: { "application/octet-stream": { schema: z.string() } },
    },
    ...problems(404, 410, 503),
  };

  app.get(
    "/sessions/:session_id/executions/:execution_id/artifacts/:artifact_id",
    {
      schema: {
        tags,
        summary: "A MIME value that was too large for its event",
        params: params.extend({ artifact_id: clientIdSchema }),
        response: artifactResponses,
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      return sendArtifact(reply, session, request.params.artifact_id);
    },
  );

  app.get(
    "/sessions/:session_id/artifacts/:artifact_id",
    {
      schema: {
        tags,
        summary: "A MIME value that was too large for its event, of output outside of executions",
        params: sessionParams.extend({ artifact_id: clientIdSchema }),
        response: artifactResponses,
      },
    },
    async (request, reply) => {
      const session = sessions.get(request.tenant, request.params.session_id);
      return sendArtifact(reply, session, request.params.artifact_id);
    },
  );
};
