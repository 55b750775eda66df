import { isUtf8 } from "node:buffer";
import type { FastifyInstance } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { HotcellError } from "../../../errors.js";
import { ServiceJupyterServer } from "../../../sessions/jupyter/service-server.js";
import { SessionJupyterServer } from "../../../sessions/jupyter/session-server.js";
import type { NotebookSessions } from "../../../sessions/jupyter/notebook-sessions.js";
import { clientIdSchema } from "../../../sessions/session-options.js";
import type { SessionRegistry } from "../../../sessions/session-registry.js";
import { sendProblem, toHotcellError } from "../../problem.js";
import { jupyterChannelRoutes } from "./channels.js";
import { jupyterKernelRoutes } from "./kernels.js";
import { jupyterKernelspecRoutes } from "./kernelspecs.js";
import type { JupyterScope } from "./scope.js";
import { jupyterServiceRoutes } from "./service.js";
import { jupyterSessionRoutes } from "./sessions.js";

export interface JupyterOptions {
  sessions: SessionRegistry;
  notebookSessions: NotebookSessions;
  languages: readonly string[];
}

/** Jupyter's clients send JSON under other types, too, and under none. */
function addLenientParser(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser<Buffer>(
    ["text/plain", "*"],
    { parseAs: "buffer" },
    (request, body, done) => {
      if (body.length === 0) done(null, undefined);
      else if (!isUtf8(body)) done(new HotcellError("malformed_json", "The body is not UTF-8"));
      else {
        void parse(request, body.toString("utf8"), (error, value) => {
          if (error)
            done(new HotcellError("malformed_json", `The body is not JSON: ${error.message}`));
          else done(null, value);
        });
      }
    },
  );
}

/**
 * A sandbox that does not answer now: what clients read from any other status over 499 is that the kernel is dead, while
 * they ask again after a 503.
 */
const PASSING = new Set([
  "sandbox_unreachable",
  "sandbox_unresponsive",
  "sandbox_busy",
  "kernel_timeout",
]);

const routes: FastifyPluginAsyncZod<{ scope: JupyterScope }> = async (app, { scope }) => {
  addLenientParser(app);
  app.addHook("onRoute", (route) => {
    route.config = { ...route.config, queryToken: true };
  });
  app.addHook("onRequest", async () => {
    if (!scope.stopping()) return;
    throw new HotcellError("shutting_down", "The gateway is stopping: try again later");
  });
  app.setErrorHandler((thrown, request, reply) => {
    const error = toHotcellError(thrown, request.routeOptions.bodyLimit);
    if (PASSING.has(error.code)) reply.header("retry-after", "2");
    sendProblem(request, reply, error, (problem) => ({
      ...problem,
      ...(PASSING.has(error.code) ? { status: 503 } : {}),
      // What Jupyter's own server says, and its clients show.
      message: error.detail,
      short_message: error.title,
      reason: error.title,
    }));
  });
  await app.register(jupyterServiceRoutes, scope);
  await app.register(jupyterKernelspecRoutes, scope);
  await app.register(jupyterKernelRoutes, scope);
  await app.register(jupyterSessionRoutes, scope);
  await app.register(jupyterChannelRoutes, scope);
};

/** A Jupyter Server's API: at `/jupyter` with a session for each kernel, and for the kernels of each session. */
export const jupyterRoutes: FastifyPluginAsyncZod<JupyterOptions> = async (app, options) => {
  const { sessions, notebookSessions, languages } = options;
  const common = { notebookSessions, languages, stopping: () => sessions.closed };
  await app.register(routes, {
    prefix: "/jupyter",
    scope: {
      ...common,
      params: {},
      server: (request) => new ServiceJupyterServer(sessions, request.tenant),
    },
  });
  await app.register(routes, {
    prefix: "/v1/sessions/:session_id/jupyter",
    scope: {
      ...common,
      params: { session_id: clientIdSchema },
      server: (request) => {
        const { session_id: id } = request.params as { session_id: string };
        return new SessionJupyterServer(sessions.get(request.tenant, id));
      },
    },
  });
};
