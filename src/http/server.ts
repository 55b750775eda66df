import { isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import websocket from "@fastify/websocket";
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import { HotcellError } from "../errors.js";
import { fieldErrors, invalidRequest } from "../validation.js";
import type { KeyRing } from "../sessions/key-ring.js";
import type { ImageView } from "../sessions/image-view.js";
import type { NotebookSessions } from "../sessions/jupyter/notebook-sessions.js";
import type { SessionRegistry } from "../sessions/session-registry.js";
import { CharacterBudget } from "../kernels/character-budget.js";
import { V1_PROTOCOL } from "../kernels/websocket-v1.js";
import { authentication } from "./authentication.js";
import { documentation } from "./documentation.js";
import type { SiteFile } from "./playground/site.js";
import { sendProblem } from "./problem.js";
import { eventRoutes } from "./routes/events.js";
import { executionRoutes } from "./routes/executions.js";
import { fileRoutes } from "./routes/files.js";
import { imageRoutes } from "./routes/images.js";
import { jupyterRoutes } from "./routes/jupyter/jupyter.js";
import { kernelRoutes } from "./routes/kernels.js";
import { notebookRoutes } from "./routes/notebook.js";
import { playgroundRoutes } from "./routes/playground.js";
import { serviceRoutes, type Readiness } from "./routes/service.js";
import { sessionRoutes } from "./routes/sessions.js";
import { streamRoutes } from "./routes/stream.js";
import { toolRoutes } from "./routes/tools.js";

export interface ServerServices {
  sessions: SessionRegistry;
  notebookSessions: NotebookSessions;
  keys: KeyRing;
  cookieSecret: string;
  readiness: () => Readiness;
  /** The images that sessions can name. */
  images: readonly ImageView[];
  log: FastifyBaseLogger;
  version: string;
}

export interface ServerOptions {
  bodyLimitBytes: number;
  /** Host names under which the gateway is reached; all when empty. */
  hosts: ReadonlySet<string>;
  /** Whether the API's description is there to be read as pages; they take a tenth of a second to start. */
  pages?: boolean;
  /** A client that takes nothing of a stream for so long is let go; two minutes when absent. */
  stallMs?: number | undefined;
  /** The built playground; `/` says that there is none where it was not built. */
  playground?: SiteFile[] | undefined;
}

export type Server = FastifyInstance<
  HttpServer,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Where people read the API's description. */
const DOCS = "/docs";

/** Close code of a service that restarts: clients are to connect again (RFC 6455's registry). */
const SERVICE_RESTART = 1012;

/** What all answers that are being gathered, or were and are being sent, may hold together. */
const GATHERED_CHARACTERS = 256 * 1024 * 1024;
/** Close code of what should not happen (RFC 6455, 7.4.1). */
const INTERNAL_ERROR = 1011;

/** What Jupyter's clients may send in one message: widgets send whole buffers. */
const MAX_JUPYTER_MESSAGE_BYTES = 16 * 1024 * 1024;

/** What `X-Request-ID` may be to be used: anything else gets an id of ours. */
const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Fastify's own compilers, which take a while to load, are not used: the server sets others. */
const NO_COMPILERS = { buildValidator: unused, buildSerializer: unused };

function unused(): never {
  throw new Error("schemas are zod's");
}

function addJsonParser(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser<Buffer>(
    "application/json",
    { parseAs: "buffer" },
    (request, body, done) => {
      if (body.length === 0) {
        done(null, undefined);
      } else if (!isUtf8(body)) {
        done(new HotcellError("malformed_json", "The body is not UTF-8"));
      } else {
        void parse(request, body.toString("utf8"), (error, value) => {
          if (error)
            done(new HotcellError("malformed_json", `The body is not JSON: ${error.message}`));
          else done(null, value);
        });
      }
    },
  );
}

/** How long clients have to take what was written to them, and to answer that their socket is closed. */
const CLOSE_WITHIN_MS = 2_000;

/** Closes all WebSockets so that clients come back to the next gateway. Idempotent. */
export async function closeSockets(app: Pick<Server, "websocketServer">): Promise<void> {
  const closed = [...app.websocketServer.clients].map(async (socket) => {
    const gone = new Promise((resolve) => socket.once("close", resolve));
    const late = setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS);
    socket.close(SERVICE_RESTART, "shutting_down");
    await gone;
    clearTimeout(late);
  });
  await Promise.all(closed);
}

/** The HTTP side of the gateway: routes, authentication, problem documents, OpenAPI. It listens on nothing yet. */
export async function buildServer(
  services: ServerServices,
  options: ServerOptions,
): Promise<Server> {
  const bare = Fastify({
    loggerInstance: services.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyLimitBytes,
    genReqId: (request) => {
      const given = request.headers["x-request-id"];
      return typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID();
    },
    routerOptions: { maxParamLength: 5000 },
    schemaController: { compilersFactory: NO_COMPILERS },
    forceCloseConnections: true,
  });
  const app = bare.withTypeProvider<ZodTypeProvider>();

  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart }) => (data: unknown) => {
    const isAbsent = httpPart === "body" && data === null;
    const parsed = schema.safeParse(isAbsent ? undefined : data);
    if (parsed.success) return { value: parsed.data };
    return { error: invalidRequest(fieldErrors(parsed.error.issues)) };
  });
  // Answers are made from typed views; their schemas document them.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  addJsonParser(app);

  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
    reply.header("x-content-type-options", "nosniff");
  });
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "unknown";
    request.log[route === "/healthz" || route === "/readyz" ? "debug" : "info"](
      {
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        tenant: request.tenant,
      },
      "request",
    );
  });
  app.setErrorHandler((error, request, reply) => sendProblem(request, reply, error));

  await app.register(authentication, {
    keys: services.keys,
    cookieSecret: services.cookieSecret,
    hosts: options.hosts,
    openPrefix: DOCS,
  });
  await app.register(websocket, {
    options: {
      maxPayload: Math.max(options.bodyLimitBytes, MAX_JUPYTER_MESSAGE_BYTES),
      perMessageDeflate: false,
      // A client that offers one fails when none is chosen, and one that was not offered fails always.
      handleProtocols: (offered) => (offered.has(V1_PROTOCOL) ? V1_PROTOCOL : false),
    },
    errorHandler: (error, socket, request) => {
      request.log.debug({ err: error }, "socket error");
      // What breaks the protocol has been answered with a close code, which must not be cut off.
      if (socket.readyState === socket.OPEN) socket.close(INTERNAL_ERROR, "internal_error");
    },
    preClose(done) {
      void closeSockets(app).then(() => app.websocketServer.close(done));
    },
  });
  await app.register(documentation, {
    version: services.version,
    pages: options.pages === false ? undefined : DOCS,
  });

  app.setNotFoundHandler((request) => {
    throw new HotcellError(
      "not_found",
      `There is nothing at ${request.method} ${request.url.split("?")[0] ?? ""}`,
    );
  });

  await app.register(serviceRoutes, { readiness: services.readiness, version: services.version });
  await app.register(playgroundRoutes, { site: options.playground });
  await app.register(
    async (v1) => {
      await v1.register(sessionRoutes, { sessions: services.sessions });
      await v1.register(kernelRoutes, { sessions: services.sessions });
      const streams = { sessions: services.sessions, stallMs: options.stallMs };
      const budget = new CharacterBudget(GATHERED_CHARACTERS);
      await v1.register(executionRoutes, { ...streams, budget });
      await v1.register(eventRoutes, streams);
      await v1.register(streamRoutes, streams);
      await v1.register(notebookRoutes, { sessions: services.sessions });
      await v1.register(fileRoutes, { sessions: services.sessions });
      await v1.register(imageRoutes, { images: services.images });
      await v1.register(toolRoutes);
    },
    { prefix: "/v1" },
  );
  await app.register(jupyterRoutes, {
    sessions: services.sessions,
    notebookSessions: services.notebookSessions,
    languages: services.images.find((image) => image.default)?.languages ?? [],
  });
  return app;
}
