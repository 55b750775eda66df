import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";

export const readinessSchema = z
  .object({
    status: z.enum(["ready", "not_ready"]),
    runtime: z.object({ name: z.string(), ready: z.boolean(), detail: z.string() }),
    sessions: z.object({ live: z.int(), limit: z.int() }),
  })
  .meta({ id: "Readiness" });

export type Readiness = z.output<typeof readinessSchema>;

export const serviceRoutes: FastifyPluginAsyncZod<{
  readiness: () => Readiness;
  version: string;
}> = async (app, { readiness, version }) => {
  app.get(
    "/healthz",
    {
      config: { open: true },
      schema: {
        tags: ["Service"],
        summary: "Whether the gateway's process lives",
        security: [],
        response: { 200: z.object({ status: z.literal("ok"), version: z.string() }) },
      },
    },
    async () => ({ status: "ok" as const, version }),
  );

  app.get(
    "/readyz",
    {
      config: { open: true },
      schema: {
        tags: ["Service"],
        summary: "Whether sessions can be made",
        security: [],
        response: { 200: readinessSchema, 503: readinessSchema },
      },
    },
    async (_request, reply) => {
      const state = readiness();
      return reply.code(state.status === "ready" ? 200 : 503).send(state);
    },
  );

  app.get("/openapi.json", { config: { open: true }, schema: { hide: true } }, async () =>
    app.describeApi(),
  );
};
