import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { problems } from "../../problem.js";
import { kernelModel, newKernelBody } from "./models.js";
import { baseOf, type JupyterScope, languageOf } from "./scope.js";

const ENVIRONMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;
const LONGEST_VALUE = 32_768;
const MOST_VARIABLES = 256;

/** What of a client's `env` a kernel gets: gateways send what they have, and some of it fits no environment. */
function environmentOf(env: Record<string, unknown> | null | undefined): Record<string, string> {
  const usable = Object.entries(env ?? {}).filter(
    (entry): entry is [string, string] =>
      ENVIRONMENT_NAME.test(entry[0]) &&
      typeof entry[1] === "string" &&
      entry[1].length <= LONGEST_VALUE &&
      entry[1].isWellFormed() &&
      !entry[1].includes("\0"),
  );
  return Object.fromEntries(usable.slice(0, MOST_VARIABLES));
}

export const jupyterKernelRoutes: FastifyPluginAsyncZod<JupyterScope> = async (app, scope) => {
  const base = z.object(scope.params);
  const params = base.extend({ kernel_id: z.string().max(200) });
  const tags = ["Jupyter"];
  const errors = problems(404, 410, 503);

  app.get(
    "/api/kernels",
    {
      schema: {
        tags,
        summary: "Kernels",
        params: base,
        response: { 200: z.array(kernelModel), ...errors },
      },
    },
    async (request) => scope.server(request).list(),
  );

  app.post(
    "/api/kernels",
    {
      schema: {
        tags,
        summary: "Start a kernel",
        params: base,
        body: newKernelBody,
        response: { 201: kernelModel, ...problems(404, 410, 422, 429, 501, 502, 503) },
      },
    },
    async (request, reply) => {
      const wanted = request.body;
      const language = languageOf(wanted?.name, scope.languages);
      const env = environmentOf(wanted?.env);
      const id = wanted?.kernel_id?.toLowerCase();
      const kernel = await scope.server(request).create({ id, language, env });
      return reply
        .code(201)
        .header("location", `${baseOf(request)}/api/kernels/${kernel.id}`)
        .send(kernel);
    },
  );

  app.get(
    "/api/kernels/:kernel_id",
    { schema: { tags, summary: "One kernel", params, response: { 200: kernelModel, ...errors } } },
    async (request) => scope.server(request).get(request.params.kernel_id),
  );

  app.delete(
    "/api/kernels/:kernel_id",
    { schema: { tags, summary: "End a kernel", params, response: { 204: z.null(), ...errors } } },
    async (request, reply) => {
      await scope.server(request).remove(request.params.kernel_id);
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/api/kernels/:kernel_id/interrupt",
    {
      schema: {
        tags,
        summary: "Interrupt what a kernel runs",
        params,
        response: { 204: z.null(), ...errors },
      },
    },
    async (request, reply) => {
      await scope.server(request).interrupt(request.params.kernel_id);
      return reply.code(204).send(null);
    },
  );

  app.post(
    "/api/kernels/:kernel_id/restart",
    {
      schema: {
        tags,
        summary: "Start a kernel's interpreter anew",
        params,
        response: { 200: kernelModel, ...errors },
      },
    },
    async (request) => scope.server(request).restart(request.params.kernel_id),
  );
};
