import type { FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { HotcellError } from "../../../errors.js";
import { V1_PROTOCOL } from "../../../kernels/websocket-v1.js";
import type { JupyterKernelAccess } from "../../../sessions/jupyter/jupyter-server.js";
import { type JupyterProtocol, serveJupyterSocket } from "../../../streaming/jupyter-socket.js";
import type { JupyterScope } from "./scope.js";

const LONGEST_SESSION_ID = 256;

/** Jupyter's own server as a client of a gateway: it reads every frame as text, and one that is none ends its relay. */
const TEXT_ONLY_CLIENT = /^Tornado\//i;

/** What the client's offer and the query make of the protocol. */
function protocolOf(request: FastifyRequest, negotiated: string): JupyterProtocol {
  if (negotiated === V1_PROTOCOL) return "v1";
  const { text_only: textOnly } = request.query as Record<string, unknown>;
  if (textOnly !== undefined) return textOnly === "0" ? "default" : "text";
  return TEXT_ONLY_CLIENT.test(request.headers["user-agent"] ?? "") ? "text" : "default";
}

function sessionIdOf(request: FastifyRequest): string | null {
  const { session_id: id } = request.query as Record<string, unknown>;
  if (id === undefined || id === "") return null;
  if (typeof id === "string" && id.length <= LONGEST_SESSION_ID && id.isWellFormed()) return id;
  throw new HotcellError(
    "invalid_request",
    `session_id: has at most ${LONGEST_SESSION_ID} characters`,
    {
      errors: [{ path: "session_id", message: `has at most ${LONGEST_SESSION_ID} characters` }],
    },
  );
}

export const jupyterChannelRoutes: FastifyPluginAsyncZod<JupyterScope> = async (app, scope) => {
  const base = z.object(scope.params);
  const params = base.extend({ kernel_id: z.string().max(200) });
  const found = new WeakMap<object, JupyterKernelAccess>();

  app.get(
    "/api/kernels/:kernel_id/channels",
    {
      websocket: true,
      schema: {
        tags: ["Jupyter"],
        summary: "WebSocket: a kernel's channels, in Jupyter's v1 or default protocol",
        params,
      },
      // Refused before the upgrade, so that the client gets a plain HTTP answer.
      preValidation: async (request) => {
        sessionIdOf(request);
        found.set(request.raw, await scope.server(request).access(request.params.kernel_id));
      },
    },
    (socket, request) => {
      const access = found.get(request.raw);
      if (access === undefined) throw new Error("the kernel was not looked for");
      const { session, channels } = access;
      serveJupyterSocket(socket, {
        kernel: request.params.kernel_id.toLowerCase(),
        sessionId: sessionIdOf(request),
        protocol: protocolOf(request, socket.protocol),
        channels,
        removed: () => access.removed(),
        touch: () => session.expiry.touch(),
        ended: () =>
          session.live || session.reason === "gateway_stopped" ? undefined : session.reason,
        log: request.log,
      });
    },
  );
};
