import type { Socket } from "node:net";

import { abortable, within } from "./deadline.js";
import { type Exchange, exchange } from "./exchange.js";
import { type Reply, gather } from "./gather.js";
import { guardIdle } from "./idle-guard.js";
import { LinkError } from "./link-error.js";
import type { ReadAccount } from "./read-budget.js";
import { createSemaphore } from "./semaphore.js";

const MAX_ATTEMPTS = 3;

/** A small call on the control connection. */
export interface ControlCall {
  method: Exchange["method"];
  path: string;
  /** JSON text. */
  body?: string | undefined;
  /** Deadline of the whole call: waiting for the connection, for earlier calls, and for the answer. */
  withinMs: number;
  /** Sent again when the connection broke before an answer. */
  idempotent: boolean;
  signal?: AbortSignal | undefined;
}

/** The one connection for calls that must get through whatever else the sandbox is busy with. */
export interface ControlChannel {
  readonly socket: Socket | undefined;
  /** Whether a call is on its way. */
  readonly busy: boolean;
  /** Takes a new control connection and drops the one before. */
  attach(socket: Socket): void;
  /** Waits for a control connection. */
  attached(signal?: AbortSignal): Promise<Socket>;
  /** One call at a time, in order. */
  call(call: ControlCall): Promise<Reply>;
  /** Fails everybody who waits, now and from now on. */
  close(error: LinkError): void;
}

export function createControlChannel(account: ReadAccount): ControlChannel {
  const line = createSemaphore(1);
  const waiting = new Set<{ resolve(socket: Socket): void; reject(error: Error): void }>();
  let current: Socket | undefined;
  let endGuard: (() => void) | undefined;
  let closed: LinkError | undefined;

  const attached = (signal?: AbortSignal): Promise<Socket> => {
    if (closed !== undefined) return Promise.reject(closed);
    if (current?.destroyed === false) return Promise.resolve(current);
    return abortable<Socket>(signal, (resolve, reject) => {
      const waiter = { resolve, reject };
      waiting.add(waiter);
      return () => waiting.delete(waiter);
    });
  };

  const callOnce = async (call: ControlCall, signal: AbortSignal): Promise<Reply> => {
    const socket = await attached(signal);
    const released = new Promise<void>((resolve) => {
      const done = () => {
        socket.off("free", done);
        socket.off("close", done);
        resolve();
      };
      socket.on("free", done);
      socket.on("close", done);
    });
    endGuard?.();
    const answer = await exchange(socket, account, {
      method: call.method,
      path: call.path,
      body: call.body,
      answerWithinMs: call.withinMs,
      signal,
    });
    const reply = await gather(answer);
    await released;
    return reply;
  };

  return {
    get socket() {
      return current;
    },
    get busy() {
      return !line.free;
    },
    attach: (socket) => {
      const before = current;
      current = socket;
      before?.destroy();
      socket.on("free", () => {
        endGuard = guardIdle(socket);
      });
      socket.on("close", () => {
        if (current === socket) current = undefined;
      });
      endGuard = guardIdle(socket);
      for (const waiter of waiting) waiter.resolve(socket);
      waiting.clear();
    },
    attached,
    call: (call) =>
      within(call.withinMs, call.signal, async (signal) => {
        const release = await line.acquire(signal);
        try {
          for (let attempt = 1; ; attempt += 1) {
            try {
              return await callOnce(call, signal);
            } catch (error) {
              const broken = error instanceof LinkError && error.beforeAnswer;
              const again = call.idempotent && broken && attempt < MAX_ATTEMPTS;
              if (!again) throw error;
            }
          }
        } finally {
          release();
        }
      }),
    close: (error) => {
      closed ??= error;
      for (const waiter of waiting) waiter.reject(error);
      waiting.clear();
    },
  };
}
