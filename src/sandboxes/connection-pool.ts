import type { Socket } from "node:net";

import { abortable } from "./deadline.js";
import { guardIdle } from "./idle-guard.js";
import { LinkError } from "./link-error.js";

const MAX_IDLE_REUSED = 4;
const MAX_WAITING = 1_024;

/** The proven connections of one sandbox that carry no request at the moment. */
export interface ConnectionPool {
  /** Takes in a connection that the sandbox dialled. */
  add(socket: Socket): void;
  /** An idle connection, or the next one there is. It comes back by itself when it is free again. */
  take(signal?: AbortSignal): Promise<Socket>;
  /** Fails everybody who waits, now and from now on. The connections belong to the link. */
  close(error: LinkError): void;
}

export function createConnectionPool(): ConnectionPool {
  /** Idle connections, each with what ends its watch: those never used, and those that come back. */
  const fresh = new Map<Socket, () => void>();
  const reused = new Map<Socket, () => void>();
  const waiting = new Set<{ give(socket: Socket): void; fail(error: Error): void }>();
  let closed: LinkError | undefined;

  const withdraw = (socket: Socket) => {
    for (const idle of [fresh, reused]) {
      idle.get(socket)?.();
      idle.delete(socket);
    }
  };

  const offer = (socket: Socket, idle: Map<Socket, () => void>) => {
    if (socket.destroyed || closed !== undefined) return;
    const [first] = waiting;
    if (first !== undefined) {
      first.give(socket);
      return;
    }
    idle.set(socket, guardIdle(socket));
    if (reused.size > MAX_IDLE_REUSED) [...reused.keys()].at(0)?.destroy();
  };

  return {
    add: (socket) => {
      socket.on("close", () => withdraw(socket));
      socket.on("free", () => offer(socket, reused));
      offer(socket, fresh);
    },
    take: (signal) => {
      if (closed !== undefined) return Promise.reject(closed);
      const usable = (socket: Socket) => !socket.destroyed;
      const idle = [...reused.keys()].findLast(usable) ?? [...fresh.keys()].find(usable);
      if (idle !== undefined) {
        withdraw(idle);
        return Promise.resolve(idle);
      }
      if (waiting.size >= MAX_WAITING) {
        return Promise.reject(
          new LinkError("sandbox_unresponsive", "too many calls wait for this sandbox"),
        );
      }
      return abortable<Socket>(signal, (resolve, reject) => {
        const waiter = {
          give: (socket: Socket) => {
            waiting.delete(waiter);
            resolve(socket);
          },
          fail: (error: Error) => {
            waiting.delete(waiter);
            reject(error);
          },
        };
        waiting.add(waiter);
        return () => waiting.delete(waiter);
      });
    },
    close: (error) => {
      closed ??= error;
      for (const waiter of waiting) waiter.fail(error);
    },
  };
}
