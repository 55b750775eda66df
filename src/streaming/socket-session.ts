import type { WebSocket } from "@fastify/websocket";
import type { FastifyBaseLogger } from "fastify";
import { HotcellError } from "../errors.js";
import type { ExecutionEvent } from "../kernels/event.js";
import type { Session } from "../sessions/session.js";
import { parseOrRefuse } from "../validation.js";
import { stringifyEvent } from "./event-json.js";
import { type SocketMessage, socketMessageSchema } from "./socket-message.js";
import { SocketWriter } from "./socket-writer.js";

/** How many requests may be unanswered on one socket. */
const MOST_IN_FLIGHT = 256;

const PING_MS = 30_000;

export interface SocketServices {
  log: FastifyBaseLogger;
  /** The problem document for anything thrown. */
  problem(error: unknown): object;
}

/** Serves a session's WebSocket until it closes. */
export function serveSocket(socket: WebSocket, session: Session, services: SocketServices): void {
  const gone = new AbortController();
  const writer = new SocketWriter(socket);
  let inFlight = 0;
  let alive = true;

  const heartbeat = setInterval(() => {
    if (!alive) {
      socket.terminate();
      return;
    }
    alive = false;
    socket.ping();
  }, PING_MS);
  socket.on("pong", () => (alive = true));
  socket.on("close", () => {
    clearInterval(heartbeat);
    gone.abort(new Error("the client has gone"));
  });
  socket.on("error", (error) => services.log.debug({ err: error }, "socket error"));

  const reply = (object: object): Promise<void> => writer.send(JSON.stringify(object));

  const stream = async (ref: string, events: AsyncIterable<ExecutionEvent>): Promise<void> => {
    for await (const event of events) await writer.send(stringifyEvent(event, ref));
  };

  const handle = async (message: SocketMessage): Promise<void> => {
    const { ref } = message;
    switch (message.op) {
      case "execute": {
        const { op, ref: _, ...request } = message;
        const execution = await session.execute(request);
        try {
          await stream(ref, execution.events({ signal: gone.signal }));
        } finally {
          if (gone.signal.aborted && request.on_disconnect === "cancel" && !execution.ended) {
            await execution.cancel();
          }
        }
        break;
      }
      case "resume": {
        const execution = await session.execution(message.execution_id);
        await stream(ref, execution.events({ after: message.after, signal: gone.signal }));
        break;
      }
      case "input":
        await session.input(message.execution_id, message.value);
        await reply({ type: "input_accepted", ref, execution_id: message.execution_id });
        break;
      case "interrupt":
        await session.interrupt(message.execution_id);
        await reply({ type: "interrupt_accepted", ref, execution_id: message.execution_id });
        break;
      case "complete": {
        const { kernel } = message;
        const completion = await session.kernels.complete(kernel, message, { signal: gone.signal });
        await reply({ type: "complete_reply", ref, ...completion });
        break;
      }
      case "inspect": {
        const { kernel } = message;
        const inspection = await session.kernels.inspect(kernel, message, { signal: gone.signal });
        await reply({ type: "inspect_reply", ref, ...inspection });
        break;
      }
    }
  };

  const refuse = async (ref: string | undefined, error: unknown): Promise<void> => {
    if (gone.signal.aborted) return;
    const problem = services.problem(error);
    await reply({ type: "problem", ...(ref === undefined ? {} : { ref }), problem });
  };

  socket.on("message", (data: Buffer, isBinary: boolean) => {
    void (async () => {
      let ref: string | undefined;
      inFlight += 1;
      try {
        if (inFlight > MOST_IN_FLIGHT) {
          throw new HotcellError(
            "queue_full",
            `${MOST_IN_FLIGHT} requests are unanswered on this socket`,
          );
        }
        const raw = parseMessage(data, isBinary);
        ref = refOf(raw);
        await handle(parseOrRefuse(socketMessageSchema, raw));
      } catch (error) {
        await refuse(ref, error);
      } finally {
        inFlight -= 1;
      }
    })().catch((error: unknown) => services.log.debug({ err: error }, "socket went away"));
  });
}

function parseMessage(data: Buffer, isBinary: boolean): unknown {
  if (isBinary) throw new HotcellError("malformed_json", "Messages are JSON in text frames");
  try {
    return JSON.parse(data.toString("utf8")) as unknown;
  } catch (error) {
    throw new HotcellError(
      "malformed_json",
      `The message is not JSON: ${(error as Error).message}`,
    );
  }
}

/** The message's `ref` where there is one, so that a refusal of the rest can carry it. */
function refOf(message: unknown): string | undefined {
  if (typeof message !== "object" || message === null || !("ref" in message)) return undefined;
  return typeof message.ref === "string" ? message.ref.slice(0, 128) : undefined;
}
