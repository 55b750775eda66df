import type { Runtime, SandboxEvent } from "../../../src/runtimes/runtime.js";

/** What a runtime reported, in order. */
export interface Events {
  readonly all: readonly SandboxEvent[];
  /** The first event of this type about this sandbox, also if it has been already. Rejects when `signal` aborts. */
  first<T extends SandboxEvent["type"]>(
    type: T,
    sandboxId: string,
    signal: AbortSignal,
  ): Promise<Extract<SandboxEvent, { type: T }>>;
  close(): void;
}

export function recordEvents(runtime: Runtime): Events {
  const all: SandboxEvent[] = [];
  const waiting = new Set<() => void>();
  const close = runtime.watch((event) => {
    all.push(event);
    for (const look of [...waiting]) look();
  });
  return {
    all,
    first(type, sandboxId, signal) {
      type Wanted = Extract<SandboxEvent, { type: typeof type }>;
      return new Promise<Wanted>((resolve, reject) => {
        const look = (): void => {
          const found = all.find((event) => event.type === type && event.sandboxId === sandboxId);
          if (!found) return;
          waiting.delete(look);
          resolve(found as Wanted);
        };
        waiting.add(look);
        signal.addEventListener("abort", () => reject(new Error(`No ${type} of ${sandboxId}`)));
        look();
      });
    },
    close,
  };
}
