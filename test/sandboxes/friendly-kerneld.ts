import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { Socket } from "node:net";

import { type Identity, dial, newIdentity } from "./dial.js";
import { answer, refuse } from "./friendly-answer.js";
import { type FriendlyFiles, serveFiles } from "./friendly-files.js";
import { type FriendlyJournal, createFriendlyJournal } from "./friendly-journal.js";
import { type FriendlyRuns, type RunScript, createFriendlyRuns } from "./friendly-runs.js";

const SPARES_READY = 2;

/** A kernel as the double describes it. */
export interface FriendlyKernel {
  id: string;
  language: string;
  language_version: string;
  name: string | null;
  execution_state: "idle" | "busy" | "dead";
  generation: number;
  execution_count: number;
  last_death: null;
}

export interface FriendlyOptions {
  /** Where the gateway listens. */
  socketPath: string;
  /** What a run does; see `RunScript`. Without it a run prints its code and is ok. */
  onRun?: RunScript;
  languages?: string[];
  /** From an earlier double, for a gateway that knows it already. */
  identity?: Identity;
}

/** A sandbox without a sandbox: the protocol served by a script. */
export interface FriendlyKerneld {
  readonly identity: Identity;
  readonly journal: FriendlyJournal;
  readonly runs: FriendlyRuns;
  readonly files: FriendlyFiles;
  readonly kernels: Map<string, FriendlyKernel>;
  readonly artifacts: Map<string, Buffer>;
  /** Requests so far, as `METHOD /path`. */
  readonly requests: string[];
  /** The body of the assignment, once there was one. */
  readonly assignment: () => unknown;
  /** Answers a request by hand before the double does: return true when it was answered. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** What shell requests answer. */
  onShellRequest: (body: { msg_type: string; content: unknown }) => object;
  /** Bodies of the comm messages so far. */
  readonly comms: unknown[];
  /** How many cells it says to have forgotten. */
  forgottenCells: number;
  /** Breaks all connections; it dials again by itself. */
  disconnect(): void;
  /** Breaks all connections for good. */
  close(): void;
}

/** Dials the gateway, enrols, and serves. Resolves when the control connection stands. */
export async function startFriendlyKerneld(options: FriendlyOptions): Promise<FriendlyKerneld> {
  const identity = options.identity ?? newIdentity();
  const languages = options.languages ?? ["python"];
  const journal = createFriendlyJournal();
  const kernels = new Map<string, FriendlyKernel>();
  const runs = createFriendlyRuns(journal, kernels, options.onRun);
  const files: FriendlyFiles = new Map();
  const artifacts = new Map<string, Buffer>();
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const unused = new Set<Socket>();
  let assignment: unknown;
  let closed = false;

  const kernelOf = (id: string, language: string, name: string | null = null): FriendlyKernel => ({
    id,
    language,
    language_version: "3.13.5",
    name,
    execution_state: "idle",
    generation: 0,
    execution_count: 0,
    last_death: null,
  });

  const startKernel = (id: string, language: string, name?: string) => {
    const kernel = kernelOf(id, language, name ?? null);
    kernels.set(id, kernel);
    const about = {
      kind: "kernel",
      kernel: id,
      generation: 0,
      language,
      language_version: "3.13.5",
    };
    journal.append({ ...about, event: "starting" });
    journal.append({ ...about, event: "ready" });
    return kernel;
  };

  const state = () => ({
    boot: identity.boot,
    assigned: assignment !== undefined,
    first_n: journal.firstNumber,
    last_n: journal.lastNumber,
    kernels: [...kernels.values()],
    languages,
  });

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://kerneld");
    const [, resource = "", id = "", action = ""] = pathname.split("/");
    const route = `${request.method ?? ""} /${resource}`;
    const json = async () => JSON.parse(await readAll(request)) as Record<string, unknown>;
    if (resource === "files") {
      await serveFiles(files, request, response, id, searchParams);
    } else if (route === "POST /ping") {
      answer(response, 200, { boot: identity.boot, now: Date.now() });
    } else if (route === "GET /state") {
      const withRuns = searchParams.get("runs") === "1";
      answer(response, 200, withRuns ? { ...state(), runs: runs.newestFirst() } : state());
    } else if (route === "POST /assign") {
      const body = await json();
      if (assignment !== undefined && JSON.stringify(assignment) !== JSON.stringify(body)) {
        refuse(response, 409, "already_assigned");
        return;
      }
      if (assignment === undefined) {
        for (const kernel of body["kernels"] as { id: string; language: string }[]) {
          startKernel(kernel.id, kernel.language);
        }
      }
      assignment = body;
      answer(response, 200, state());
    } else if (route === "GET /journal") {
      journal.serve(response, searchParams);
    } else if (route === "GET /artifacts") {
      const bytes = artifacts.get(id);
      if (bytes === undefined) refuse(response, 404, "artifact_not_found");
      else response.writeHead(200, { "content-length": bytes.length }).end(bytes);
    } else if (resource === "runs") {
      await runs.serve(request, response, id, action, json);
    } else if (route === "GET /kernels" && id === "") {
      answer(response, 200, { kernels: [...kernels.values()] });
    } else if (route === "POST /kernels" && id === "") {
      const body = (await json()) as { id: string; language: string; name?: string };
      const available = `available: ${languages.join(", ")}`;
      if (!languages.includes(body.language))
        refuse(response, 422, "language_unavailable", available);
      else if (kernels.has(body.id)) refuse(response, 409, "kernel_exists");
      else answer(response, 201, startKernel(body.id, body.language, body.name));
    } else if (resource === "kernels") {
      const kernel = kernels.get(id);
      if (kernel === undefined) {
        refuse(response, 404, "kernel_not_found");
      } else if (request.method === "GET" && action === "") {
        answer(response, 200, kernel);
      } else if (request.method === "DELETE") {
        kernels.delete(id);
        response.writeHead(204).end();
      } else if (action === "cells") {
        const cells = runs.cells(id, double.forgottenCells);
        response.writeHead(200, { "content-length": cells.length }).end(cells);
      } else if (action === "interrupt") {
        runs.interruptAll();
        response.writeHead(204).end();
      } else if (action === "restart") {
        kernel.generation += 1;
        answer(response, 200, kernel);
      } else if (action === "request") {
        answer(response, 200, double.onShellRequest((await json()) as never));
      } else if (action === "comm") {
        double.comms.push(await json());
        response.writeHead(204).end();
      } else {
        refuse(response, 404, "not_found");
      }
    } else {
      refuse(response, 404, "not_found");
    }
  };

  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ""} ${request.url ?? ""}`);
    if (unused.delete(request.socket)) void keepSpares();
    if (double.intercept?.(request, response) === true) return;
    serve(request, response).catch((error: unknown) => {
      if (!response.headersSent) refuse(response, 500, "internal_error", String(error));
      else response.destroy();
    });
  });
  server.keepAliveTimeout = 0;

  const connectOnce = async (role: "control" | "spare"): Promise<void> => {
    const socket = await dial(options.socketPath, identity, role);
    if (socket === null) return;
    sockets.add(socket);
    if (role === "spare") unused.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      unused.delete(socket);
      if (!closed) redial(role);
    });
    server.emit("connection", socket);
  };
  /** The gateway may be away: an honest kerneld tries until it is back. */
  const redial = (role: "control" | "spare") => {
    if (closed || (role === "spare" && unused.size >= SPARES_READY)) return;
    connectOnce(role).catch(() => setTimeout(() => redial(role), 50));
  };
  const keepSpares = async (): Promise<void> => {
    while (!closed && unused.size < SPARES_READY && sockets.size < 15) {
      try {
        await connectOnce("spare");
      } catch {
        return;
      }
    }
  };

  const double: FriendlyKerneld = {
    identity,
    journal,
    runs,
    files,
    kernels,
    artifacts,
    requests,
    assignment: () => assignment,
    intercept: undefined,
    comms: [],
    forgottenCells: 0,
    onShellRequest: ({ msg_type }) => ({
      msg_type: msg_type.replace("_request", "_reply"),
      content: { status: "ok" },
    }),
    disconnect: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () => {
      closed = true;
      runs.interruptAll();
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };

  await connectOnce("control");
  await keepSpares();
  return double;
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
