import { abortable } from "./deadline.js";

/** Lets a bounded number in at a time, first come first served. */
export interface Semaphore {
  /** Waits for a place. The returned function gives it back; calling it again does nothing. */
  acquire(signal?: AbortSignal): Promise<() => void>;
  readonly free: boolean;
}

export function createSemaphore(places: number): Semaphore {
  const waiting = new Set<() => void>();
  let taken = 0;

  const place = () => {
    taken += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      taken -= 1;
      const [next] = waiting;
      next?.();
    };
  };

  return {
    get free() {
      return taken < places;
    },
    acquire: (signal) => {
      if (taken < places && waiting.size === 0) {
        signal?.throwIfAborted();
        return Promise.resolve(place());
      }
      return abortable(signal, (resolve) => {
        const enter = () => {
          waiting.delete(enter);
          resolve(place());
        };
        waiting.add(enter);
        return () => waiting.delete(enter);
      });
    },
  };
}
