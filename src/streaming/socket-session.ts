import type { WebSocket } from "@fastify/websocket";
import type { FastifyBaseLogger } from "fastify";
import { HotcellError } from "../errors.js";
import type { Execution } from "../sessions/execution.js";
import type { Session } from "../sessions/session.js";
import { invalidRequest, parseOrRefuse } from "../validation.js";
import { stringifyEvent } from "./event-json.js";
import type { StreamEvent } from "./server-sent-events.js";
import { keepAlive } from "./socket-heartbeat.js";
import { type MessageOf, type SocketMessage, socketMessageSchema } from "./socket-message.js";
import { SocketWriter } from "./socket-writer.js";

/** How many requests may be unanswered on one socket. */
const MOST_IN_FLIGHT = 256;

/** As much as a request's body has by default; Jupyter's clients may send more over their sockets. */
const MOST_MESSAGE_BYTES = 8 * 1024 * 1024;

export interface SocketServices {
  log: FastifyBaseLogger;
  /** An execution of the session, also when that has ended meanwhile: then how the execution ended. */
  execution(id: string): Promise<Execution>;
  /** The problem document for anything thrown. */
  problem(error: unknown): object;
  /** As in `SocketWriterOptions`. */
  stallMs?: number | undefined;
}

/** Serves a session's WebSocket until it closes. */
export function serveSocket(socket: WebSocket, session: Session, services: SocketServices): void {
  new SocketSession(socket, session, services).serve();
}

/** One client's WebSocket to a session. */
class SocketSession {
  /** Aborts when the client has gone or is let go. */
  readonly #gone = new AbortController();
  readonly #writer: SocketWriter;
  /** The streams that are being sent, by their `ref`. */
  readonly #streams = new Map<string, AbortController>();
  #inFlight = 0;

  constructor(
    private readonly socket: WebSocket,
    private readonly session: Session,
    private readonly services: SocketServices,
  ) {
    const { stallMs, log } = services;
    this.#writer = new SocketWriter(socket, {
      stallMs,
      onStall: () => {
        log.info("a client that took nothing was let go");
        this.#gone.abort(new Error("the client takes nothing"));
      },
    });
  }

  serve(): void {
    const { log } = this.services;
    keepAlive(this.socket, this.#writer);
    this.socket.on("close", () => this.#gone.abort(new Error("the client has gone")));
    this.socket.on("error", (error) => log.debug({ err: error }, "socket error"));
    this.socket.on("message", (data: Buffer, isBinary: boolean) => {
      this.#take(data, isBinary).catch((error: unknown) => {
        log.debug({ err: error }, "socket went away");
      });
    });
  }

  async #take(data: Buffer, isBinary: boolean): Promise<void> {
    let ref: string | undefined;
    this.#inFlight += 1;
    try {
      if (this.#inFlight > MOST_IN_FLIGHT) {
        throw new HotcellError(
          "queue_full",
          `${MOST_IN_FLIGHT} requests are unanswered on this socket`,
        );
      }
      const raw = parseMessage(data, isBinary);
      ref = refOf(raw);
      await this.#handle(parseOrRefuse(socketMessageSchema, raw));
    } catch (error) {
      if (this.#gone.signal.aborted || this.socket.readyState !== this.socket.OPEN) return;
      const problem = this.services.problem(error);
      await this.#reply({ type: "problem", ...(ref === undefined ? {} : { ref }), problem });
    } finally {
      this.#inFlight -= 1;
    }
  }

  async #handle(message: SocketMessage): Promise<void> {
    const { ref } = message;
    const { kernels } = this.session;
    const gone = { signal: this.#gone.signal };
    switch (message.op) {
      case "execute":
        return this.#execute(message);
      case "resume":
        return this.#resume(message);
      case "unfollow":
        this.#unfollow(ref);
        return this.#reply({ type: "unfollowed", ref });
      case "input":
        await this.session.executions.input(message.execution_id, message.value, message.n);
        return this.#reply({ type: "input_accepted", ref, execution_id: message.execution_id });
      case "interrupt":
        await this.session.executions.interrupt(message.execution_id);
        return this.#reply({ type: "interrupt_accepted", ref, execution_id: message.execution_id });
      case "complete": {
        const completion = await kernels.complete(message.kernel, message, gone);
        return this.#reply({ type: "complete_reply", ref, ...completion });
      }
      case "inspect": {
        const inspection = await kernels.inspect(message.kernel, message, gone);
        return this.#reply({ type: "inspect_reply", ref, ...inspection });
      }
      case "comm":
        await kernels.comm(message.kernel, message);
        return this.#reply({ type: "comm_accepted", ref });
    }
  }

  async #execute({ op, ref, ...request }: MessageOf<"execute">): Promise<void> {
    let execution: Execution | undefined;
    try {
      await this.#stream(ref, async (signal) => {
        execution = await this.session.executions.execute(request);
        return execution.events({ signal });
      });
    } finally {
      const left = this.#gone.signal.aborted || this.socket.readyState !== this.socket.OPEN;
      if (left && request.on_disconnect === "cancel" && execution?.ended === false) {
        await execution.cancel();
      }
    }
  }

  async #resume({ ref, execution_id: id, kernel, after }: MessageOf<"resume">): Promise<void> {
    await this.#stream(ref, async (signal) => {
      if (id === undefined) return this.session.events.follow({ after, kernel, signal });
      const execution = await this.services.execution(id);
      if (after !== undefined && execution.nothingAfter(after)) {
        await this.#reply({ type: "nothing_follows", ref, execution_id: id });
        return undefined;
      }
      if (after !== undefined && execution.run.state !== "finished") {
        await this.session.events.assertReached(after);
      }
      return execution.events({ after, signal });
    });
  }

  /** Sends a stream's events until it ends, the client unfollows its `ref`, or has gone. */
  async #stream(
    ref: string,
    open: (signal: AbortSignal) => Promise<AsyncIterable<StreamEvent> | undefined>,
  ): Promise<void> {
    if (this.#streams.has(ref)) {
      throw invalidRequest([{ path: "ref", message: "names a stream that is being sent" }]);
    }
    const unfollowed = new AbortController();
    this.#streams.set(ref, unfollowed);
    try {
      const events = await open(AbortSignal.any([unfollowed.signal, this.#gone.signal]));
      for await (const event of events ?? []) {
        if (unfollowed.signal.aborted) return;
        await this.#writer.send(stringifyEvent(event, ref));
      }
    } catch (error) {
      if (!unfollowed.signal.aborted) throw error;
    } finally {
      if (this.#streams.get(ref) === unfollowed) this.#streams.delete(ref);
    }
  }

  #unfollow(ref: string): void {
    const stream = this.#streams.get(ref);
    if (stream === undefined) {
      throw invalidRequest([{ path: "ref", message: "names no stream that is being sent" }]);
    }
    stream.abort();
    this.#streams.delete(ref);
  }

  #reply(object: object): Promise<void> {
    return this.#writer.send(JSON.stringify(object));
  }
}

function parseMessage(data: Buffer, isBinary: boolean): unknown {
  if (isBinary) throw new HotcellError("malformed_json", "Messages are JSON in text frames");
  if (data.length > MOST_MESSAGE_BYTES) {
    throw new HotcellError("body_too_large", `A message has at most ${MOST_MESSAGE_BYTES} bytes`);
  }
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
