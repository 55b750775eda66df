import { isUtf8 } from "node:buffer";
import type { WebSocket } from "@fastify/websocket";
import type { FastifyBaseLogger } from "fastify";
import { type DefaultFrame, decodeDefault, encodeDefault } from "../kernels/websocket-default.js";
import { MalformedMessage, decodeV1, encodeV1 } from "../kernels/websocket-v1.js";
import type { ChannelEnd, JupyterChannels, SharedFrame } from "../sandboxes/jupyter-channels.js";

const PING_MS = 30_000;

/**
 * Close codes. Jupyter's clients take 1000 and 1001 for "do not connect again"; those from 4000 on are ours, 1012 and 1013
 * stand in the registry of RFC 6455.
 */
const CLOSE = {
  kernelRemoved: 1000,
  internalError: 1011,
  serviceRestart: 1012,
  slowConsumer: 1013,
  malformed: 4400,
  kernelNotFound: 4404,
  replaced: 4409,
  sessionEnded: 4410,
  tooMuchWaits: 4429,
} as const;

const CLOSE_OF_CODE: Record<string, number> = {
  invalid_message: CLOSE.malformed,
  invalid_request: CLOSE.malformed,
  kernel_not_found: CLOSE.kernelNotFound,
  kernel_removed: CLOSE.kernelRemoved,
  replaced: CLOSE.replaced,
  queue_full: CLOSE.tooMuchWaits,
  not_assigned: CLOSE.serviceRestart,
};

/**
 * What is spoken on a socket: the v1 subprotocol, Jupyter's default protocol, or that without binary frames, for clients
 * that take every frame for text.
 */
export type JupyterProtocol = "v1" | "default" | "text";

export interface JupyterSocketServices {
  kernel: string;
  /** Jupyter's `session_id`. */
  sessionId: string | null;
  protocol: JupyterProtocol;
  channels: JupyterChannels;
  /** The client has sent something. */
  touch(): void;
  /** The kernel was ended by one of its clients. */
  removed(): Promise<void>;
  /** Why the session ended, where that is why the way to the kernel broke. */
  ended(): string | undefined;
  log: FastifyBaseLogger;
}

/** Serves a Jupyter client's WebSocket to one kernel until it closes. */
export function serveJupyterSocket(socket: WebSocket, services: JupyterSocketServices): void {
  const { protocol } = services;
  let alive = true;
  let missedBytes = 0;

  const close = (code: number, reason: string) => {
    // A reason is at most 123 bytes (RFC 6455, 5.5.1).
    socket.close(
      code,
      Buffer.from(reason)
        .subarray(0, 123)
        .toString("utf8")
        .replace(/\uFFFD$/, ""),
    );
  };

  const channel = services.channels.attach(
    { kernel: services.kernel, session: services.sessionId },
    {
      message: (frame) => {
        if (socket.readyState !== socket.OPEN) return;
        send(socket, frame, protocol, services.log);
      },
      drained: () => socket.resume(),
      backlog: () => (socket.readyState === socket.OPEN ? socket.bufferedAmount : 0),
      // A ping stands behind everything that was sent before.
      flushed: () => new Promise((resolve) => socket.ping("", false, () => resolve())),
      overrun: () => {
        missedBytes = socket.bufferedAmount;
        close(CLOSE.slowConsumer, "slow_consumer");
        socket.terminate();
      },
      closed: (end) => {
        if (end instanceof Error) {
          const reason = services.ended();
          if (reason === "session_deleted") close(CLOSE.kernelRemoved, "kernel_removed");
          else if (reason === undefined) close(CLOSE.serviceRestart, "sandbox_unreachable");
          else close(CLOSE.sessionEnded, `session_ended: ${reason}`);
        } else {
          close(closeCode(end), `${end.code}: ${end.detail}`);
          if (end.code !== "kernel_removed") return;
          services.removed().catch((error: unknown) => {
            services.log.debug({ err: error }, "the session of a removed kernel is gone, too");
          });
        }
      },
    },
  );

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
    channel.close(missedBytes);
  });
  socket.on("error", (error) => services.log.debug({ err: error }, "socket error"));

  socket.on("message", (data: Buffer, isBinary: boolean) => {
    services.touch();
    try {
      if (!channel.send(received(data, isBinary, protocol))) socket.pause();
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      close(CLOSE.malformed, `invalid_message: ${error.message}`);
    }
  });
}

/** A client's frame as one of the v1 protocol. Throws MalformedMessage. */
function received(data: Buffer, isBinary: boolean, protocol: JupyterProtocol): Buffer {
  if (protocol === "v1") {
    if (!isBinary) throw new MalformedMessage("the v1 protocol has binary frames only");
    return data;
  }
  if (!isBinary && !isUtf8(data)) throw new MalformedMessage("a text frame must be UTF-8");
  return encodeV1(decodeDefault(data, isBinary));
}

function send(
  socket: WebSocket,
  frame: SharedFrame,
  protocol: JupyterProtocol,
  log: FastifyBaseLogger,
): void {
  if (protocol === "v1") {
    socket.send(frame.v1, { binary: true });
    return;
  }
  try {
    const { data, binary } = frame.once<DefaultFrame>(protocol, (v1) =>
      encodeDefault(decodeV1(v1), protocol === "text"),
    );
    socket.send(data, { binary });
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    log.warn({ err: error }, "a message of a kernel's was left out");
  }
}

function closeCode({ code }: ChannelEnd): number {
  return (
    (Object.hasOwn(CLOSE_OF_CODE, code) ? CLOSE_OF_CODE[code] : undefined) ?? CLOSE.internalError
  );
}
