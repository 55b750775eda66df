import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { HotcellError } from "../../../errors.js";
import { problems } from "../../problem.js";
import type { JupyterScope } from "./scope.js";

/** The version of Jupyter Server whose API this is. */
const API_VERSION = "2.17.0";

/** What a client may do here, by resource. */
const PERMISSIONS: Record<string, readonly string[]> = {
  api: ["read"],
  kernels: ["read", "write", "execute"],
  kernelspecs: ["read"],
  sessions: ["read", "write", "execute"],
};

const STARTED = new Date().toISOString();

/** The permissions that were asked about, and that there are. */
function granted(asked: string | undefined): Record<string, string[]> {
  const wanted = z
    .record(z.string(), z.array(z.string()))
    .catch({})
    .parse(asked === undefined ? {} : parsed(asked));
  return Object.fromEntries(
    Object.entries(wanted).map(([resource, actions]) => [
      resource,
      actions.filter((action) => PERMISSIONS[resource]?.includes(action) === true),
    ]),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return {};
  }
}

export const jupyterServiceRoutes: FastifyPluginAsyncZod<JupyterScope> = async (app, scope) => {
  const params = z.object(scope.params);
  const tags = ["Jupyter"];

  app.get(
    "/api",
    {
      config: { open: true },
      schema: {
        tags,
        summary: "The version of the Jupyter Server API",
        params,
        security: [],
        response: { 200: z.object({ version: z.string() }) },
      },
    },
    async () => ({ version: API_VERSION }),
  );

  app.get(
    "/api/status",
    {
      schema: {
        tags,
        summary: "How many kernels and connections there are",
        params,
        response: {
          200: z.object({
            started: z.iso.datetime(),
            last_activity: z.iso.datetime(),
            connections: z.int(),
            kernels: z.int(),
          }),
          ...problems(404, 410, 503),
        },
      },
    },
    async (request) => {
      const kernels = await scope.server(request).list();
      const activities = kernels.map(({ last_activity }) => last_activity);
      return {
        started: STARTED,
        last_activity: activities.sort().at(-1) ?? STARTED,
        connections: kernels.reduce((sum, { connections }) => sum + connections, 0),
        kernels: kernels.length,
      };
    },
  );

  app.get(
    "/api/me",
    {
      schema: {
        tags,
        summary: "Who the key belongs to, and what it allows",
        params,
        response: {
          200: z.object({
            identity: z.object({
              username: z.string(),
              name: z.string(),
              display_name: z.string(),
              initials: z.string().nullable(),
              avatar_url: z.null(),
              color: z.null(),
            }),
            permissions: z.record(z.string(), z.array(z.string())),
          }),
        },
      },
    },
    async (request) => {
      const name = request.tenant;
      const query = request.query as Record<string, unknown>;
      const asked = query["permissions"];
      return {
        identity: {
          username: name,
          name,
          display_name: name,
          initials: name.slice(0, 2).toUpperCase(),
          avatar_url: null,
          color: null,
        },
        permissions: granted(typeof asked === "string" ? asked : undefined),
      };
    },
  );

  app.get(
    "/api/terminals",
    {
      schema: {
        tags,
        summary: "There are no terminals",
        params,
        response: { 200: z.array(z.never()) },
      },
    },
    async () => [],
  );

  app.get(
    "/api/spec.yaml",
    { config: { open: true }, schema: { hide: true } },
    async (_request, reply) => {
      const { stringify } = await import("yaml");
      const { paths = {}, ...document } = await app.describeApi();
      const own = Object.entries(paths).filter(([path]) => path.startsWith("/jupyter/"));
      return reply
        .type("text/x-yaml; charset=utf-8")
        .serializer(String)
        .send(stringify({ ...document, paths: Object.fromEntries(own) }));
    },
  );

  // Clients look at these two before they ask anything else, and without a key.
  for (const path of ["/", "/tree"]) {
    app.get(path, { config: { open: true }, schema: { hide: true } }, async () => {
      throw new HotcellError(
        "not_found",
        "This is the API of a Jupyter Server without pages: give its address to a Jupyter client",
      );
    });
  }
};
