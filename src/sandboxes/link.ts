import { EventEmitter } from "node:events";
import type { Socket } from "node:net";

import { createConnectionPool } from "./connection-pool.js";
import { type ControlCall, createControlChannel } from "./control-channel.js";
import { within } from "./deadline.js";
import { type Answer, type Exchange, exchange } from "./exchange.js";
import type { Reply } from "./gather.js";
import { startHeartbeat } from "./heartbeat.js";
import { type Enrolment, type Hello, isProven, newChallenge, newKey, readHello } from "./hello.js";
import { LinkError, violation } from "./link-error.js";
import { listenForSandbox } from "./link-listener.js";
import type { Logger } from "./logger.js";
import { isPong } from "./ping.js";
import { type ReadAccount, type ReadBudget, sharedReadBudget } from "./read-budget.js";
import { type Upgrade, type Upgraded, upgrade } from "./upgrade.js";

const HELLO_WITHIN_MS = 2_000;
const PING_EVERY_MS = 5_000;
const MISSES_ALLOWED = 1;
/** How long a sandbox that was there may be without control connection before it counts as unresponsive. */
const RETURN_WITHIN_MS = 10_000;
const SPARE_WITHIN_MS = 5_000;
/** A ping is not given up: when it is answered at last, the sandbox is up again. */
const PING_WITHIN_MS = 2 ** 31 - 1;
const MAX_ATTEMPTS = 3;

/**
 * - `connecting`: no control connection (not yet, or not any more);
 * - `up`: a control connection, and it answers;
 * - `unresponsive`: two pings in a row were not answered, or the control connection stayed away;
 * - `closed`: ended by the gateway.
 */
export type LinkState = "connecting" | "up" | "unresponsive" | "closed";

export interface LinkEvents {
  /** Every change of the state, with the one before. */
  state: [state: LinkState, before: LinkState];
  /** The sandbox was enrolled, and told so. */
  enrolled: [enrolment: Enrolment];
  /** The sandbox broke the protocol on some connection, which was dropped. */
  violation: [error: LinkError];
}

/** A request on one of the sandbox's spare connections. */
export interface LinkRequest extends Exchange {
  /** Deadline of getting a connection; 5 s when absent. */
  connectionWithinMs?: number;
  /** Sent again on another connection when one broke before any byte of an answer. Only for bodies in memory. */
  idempotent?: boolean;
}

/** The gateway's end of one sandbox's link. */
export interface SandboxLink {
  readonly sandboxId: string;
  /** Where the sandbox dials, as the gateway sees it. */
  readonly socketPath: string;
  readonly state: LinkState;
  readonly enrolment: Enrolment | null;
  readonly events: EventEmitter<LinkEvents>;
  /** The sandbox's share of the gateway's reading: for those who read a connection themselves. */
  readonly account: ReadAccount;
  /** Resolves once there is a control connection, at once when there is one. */
  connected(signal?: AbortSignal): Promise<void>;
  /** A small call on the control connection, which no stream can hold up. */
  control(call: ControlCall): Promise<Reply>;
  /** A request on a spare connection. Its answer's body must be read or closed. */
  request(request: LinkRequest): Promise<Answer>;
  /** Takes a spare connection for another protocol, for good. */
  upgrade(options: Upgrade): Promise<Upgraded>;
  /** Breaks all connections and removes the socket, and the directory unless told to keep it. Idempotent. */
  close(options?: CloseLinkOptions): Promise<void>;
}

export interface CloseLinkOptions {
  /** For a sandbox that lives on: its mount is this very directory, so a later gateway must find it. */
  keepDirectory?: boolean;
}

export interface OpenLinkOptions {
  /** The sandbox's own directory; made when absent. Its parent keeps others out. */
  directory: string;
  sandboxId: string;
  /** From an earlier gateway: only this sandbox, proven, may connect. */
  enrolment?: Enrolment | undefined;
  /** Stores the enrolment durably; the sandbox is told its key only after that. */
  onEnrol(enrolment: Enrolment): Promise<void>;
  logger?: Logger | undefined;
  budget?: ReadBudget | undefined;
}

/**
 * Listens for one sandbox.
 * @throws when the directory cannot be made or its path is too long for a Unix socket
 */
export async function openLink(options: OpenLinkOptions): Promise<SandboxLink> {
  const { sandboxId, logger } = options;
  const account = (options.budget ?? sharedReadBudget).account();
  const events = new EventEmitter<LinkEvents>();
  const pool = createConnectionPool();
  const control = createControlChannel(account);
  let enrolment = options.enrolment ?? null;
  let enrolling = false;
  let state: LinkState = "connecting";
  let awaitReturn: NodeJS.Timeout | undefined;

  const enter = (next: LinkState) => {
    if (state === next || state === "closed") return;
    const before = state;
    state = next;
    logger?.info({ sandbox_id: sandboxId, state, before }, "link state");
    events.emit("state", state, before);
  };

  const adoptControl = (socket: Socket) => {
    clearTimeout(awaitReturn);
    control.attach(socket);
    socket.on("close", () => {
      if (control.socket !== undefined || state === "closed") return;
      enter("connecting");
      awaitReturn = setTimeout(() => enter("unresponsive"), RETURN_WITHIN_MS).unref();
    });
    enter("up");
  };

  const enrol = async (socket: Socket, said: Hello): Promise<void> => {
    enrolling = true;
    try {
      const fresh = { key: newKey(), boot: said.boot };
      await options.onEnrol(fresh);
      enrolment = fresh;
      if (socket.destroyed) return;
      socket.write(`{"key":"${fresh.key}"}\n`);
      adoptControl(socket);
      events.emit("enrolled", fresh);
    } finally {
      enrolling = false;
    }
  };

  const greet = async (socket: Socket): Promise<void> => {
    const challenge = newChallenge();
    socket.write(`{"hotcell":1,"challenge":"${challenge}"}\n`);
    const said = await readHello(socket, HELLO_WITHIN_MS);
    if (said === null || state === "closed") {
      socket.destroy();
    } else if (enrolment !== null && isProven(said, enrolment, challenge)) {
      socket.write('{"ok":true}\n');
      if (said.role === "control") adoptControl(socket);
      else pool.add(socket);
    } else if (enrolment === null && !enrolling && said.role === "control" && said.proof === null) {
      await enrol(socket, said);
    } else {
      socket.destroy();
    }
  };

  const listener = await listenForSandbox(options.directory, (socket) => {
    greet(socket).catch((error: unknown) => {
      logger?.error({ sandbox_id: sandboxId, err: error }, "enrolment failed");
      socket.destroy();
    });
  });

  const reported = <Result>(attempt: Promise<Result>): Promise<Result> =>
    attempt.catch((error: unknown) => {
      if (error instanceof LinkError && error.code === "sandbox_protocol_violation") {
        logger?.warn({ sandbox_id: sandboxId, err: error }, "protocol violation");
        events.emit("violation", error);
      }
      throw error;
    });

  const heartbeat = startHeartbeat({
    intervalMs: PING_EVERY_MS,
    busy: () => control.busy || control.socket === undefined,
    ping: async () => {
      const socket = control.socket;
      const reply = await reported(
        control.call({
          method: "POST",
          path: "/ping",
          body: "{}",
          withinMs: PING_WITHIN_MS,
          idempotent: false,
        }),
      );
      if (isPong(reply, enrolment)) return;
      socket?.destroy();
      throw violation("an answer to a ping that is none");
    },
    onAnswer: () => enter("up"),
    onMiss: (misses) => {
      if (misses > MISSES_ALLOWED) enter("unresponsive");
    },
  });

  const spare = async (
    request: Pick<LinkRequest, "connectionWithinMs" | "signal">,
  ): Promise<Socket> => {
    const milliseconds = request.connectionWithinMs ?? SPARE_WITHIN_MS;
    return within(milliseconds, request.signal, (signal) => pool.take(signal)).catch(
      (error: unknown) => {
        if (control.socket !== undefined || !(error instanceof LinkError)) throw error;
        throw new LinkError("sandbox_unreachable", "the sandbox is not connected", {
          cause: error,
        });
      },
    );
  };

  const request = async (asked: LinkRequest): Promise<Answer> => {
    for (let attempt = 1; ; attempt += 1) {
      const socket = await spare(asked);
      try {
        return await exchange(socket, account, asked);
      } catch (error) {
        const again = asked.idempotent === true && attempt < MAX_ATTEMPTS;
        if (!again || !(error instanceof LinkError && error.beforeAnswer)) throw error;
      }
    }
  };

  let closing: Promise<void> | undefined;
  const close = async (how: CloseLinkOptions): Promise<void> => {
    enter("closed");
    clearTimeout(awaitReturn);
    heartbeat.stop();
    const error = new LinkError("sandbox_unreachable", "the link was closed");
    pool.close(error);
    control.close(error);
    await listener.close(how.keepDirectory ?? false);
  };

  return {
    sandboxId,
    socketPath: listener.socketPath,
    get state() {
      return state;
    },
    get enrolment() {
      return enrolment;
    },
    events,
    account,
    connected: async (signal) => {
      await control.attached(signal);
    },
    control: (call) => reported(control.call(call)),
    request: (asked) => reported(request(asked)),
    upgrade: async (options) => reported(upgrade(await spare(options), options)),
    close: (how = {}) => (closing ??= close(how)),
  };
}
