import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Hotcell, type HotcellOptions, type Session } from "../../src/client/index.js";

/** A request as the server saw it. */
export interface SeenRequest {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: Record<string, unknown>;
}

export type Answer = (response: ServerResponse, request: SeenRequest) => void | Promise<void>;

/**
 * A server that answers as it is told, one answer a request, in the place of a gateway; the last answer stays. Making and
 * describing sessions is answered by itself.
 */
export interface ScriptedGateway {
  readonly url: string;
  /** All requests but those for sessions, in order. */
  readonly requests: SeenRequest[];
  readonly client: (options?: HotcellOptions) => Hotcell;
  readonly session: (options?: HotcellOptions) => Promise<Session>;
  /** Nothing listens any more, until `open`. */
  readonly shut: () => Promise<void>;
  readonly open: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const VIEW = {
  id: "s",
  state: "running",
  image: "python",
  runtime: "local",
  isolation: { tier: "standard" },
  kernels: [{ id: "k" }],
};

export async function startScriptedGateway(...answers: Answer[]): Promise<ScriptedGateway> {
  const requests: SeenRequest[] = [];
  const script = [...answers];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url: path = "", headers } = request;
    const body = await text(request);
    if (/^\/v1\/sessions(\/s)?$/.test(path) && method !== "DELETE") {
      sendJson(response, method === "GET" ? 200 : 201, VIEW);
      return;
    }
    const seen = {
      method,
      path,
      headers,
      body: (body.startsWith("{") ? JSON.parse(body) : {}) as Record<string, unknown>,
    };
    requests.push(seen);
    const next = script.length > 1 ? script.shift() : script[0];
    await next?.(response, seen);
  };
  let server = createServer((request, response) => void answer(request, response));
  const listen = async (port: number): Promise<void> => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  const shut = async (): Promise<void> => {
    server.closeAllConnections();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const client = (options: HotcellOptions = {}): Hotcell =>
    new Hotcell({ url, key: "k", ...options });
  return {
    url,
    requests,
    client,
    session: (options) => client(options).session(),
    shut,
    open: async () => {
      server = createServer((request, response) => void answer(request, response));
      await listen(port);
    },
    close: shut,
  };
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** Refuses, as gateways do. */
export function refuse(status: number, code: string, detail = `because of ${code}`): Answer {
  return (response) => {
    response.writeHead(status, { "content-type": "application/problem+json" });
    response.end(JSON.stringify({ status, code, detail, request_id: "r-1" }));
  };
}

/** Breaks the connection before there is an answer. */
export const breakOff: Answer = (response) => void response.destroy();

/** Never answers. */
export const hang: Answer = () => undefined;

/** A frame of an event stream. */
export function frame(n: number, type = "stream", fields: object = {}): string {
  const common = { type, n, execution_id: "e", at: "2025-01-01T00:00:00.000Z" };
  const data = type === "stream" ? { name: "stdout", text: String(n), ...fields } : fields;
  return `id: ${n}\nevent: ${type}\ndata: ${JSON.stringify({ ...common, ...data })}\n\n`;
}

/** The last frame of an execution. */
export function finish(n: number, status = "ok"): string {
  return frame(n, "execution_finished", { status });
}

const STREAM = { "content-type": "text/event-stream; charset=utf-8" };

/** A stream of frames that ends as HTTP wants it. */
export function streams(...frames: string[]): Answer {
  return (response) => void response.writeHead(200, STREAM).end(frames.join(""));
}

/** A stream of frames that breaks off after them. */
export function streamsAndBreaks(...frames: string[]): Answer {
  return (response) => {
    response.writeHead(200, STREAM).flushHeaders();
    response.write(frames.join(""), () => void response.destroy());
  };
}

/** A stream of frames that stays open. */
export function streamsAndHangs(...frames: string[]): Answer {
  return (response) => {
    response.writeHead(200, STREAM).flushHeaders();
    response.write(frames.join(""));
  };
}

/** A gathered answer, as far as clients look at it. */
export function gathered(fields: object = {}): object {
  return { execution_id: "e", status: "ok", outputs: [], text: "", ...fields };
}
