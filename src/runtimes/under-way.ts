import { RuntimeError } from "./runtime-error.js";
import { isSandboxId } from "./sandbox-specification.js";

/** What a runtime is doing with single sandboxes: makes some, removes others. */
export interface UnderWay {
  /** Whether the sandbox is being made. */
  isMaking(sandboxId: string): boolean;
  /** Runs `make`, which the signal, a removal and `close` abort. Throws `sandbox_exists` while the same one is made. */
  making<Made>(
    sandboxId: string,
    signal: AbortSignal,
    make: (signal: AbortSignal) => Promise<Made>,
  ): Promise<Made>;
  /** Runs `remove` once, whoever asks, when what was made of the sandbox has been given up. */
  removing(sandboxId: string, remove: () => Promise<void>): Promise<void>;
  /** Aborts what is being made with the reason, and resolves when nothing is under way any more. */
  close(reason: RuntimeError): Promise<void>;
}

export function underWay(): UnderWay {
  const makers = new Map<string, { controller: AbortController; done: Promise<unknown> }>();
  const removals = new Map<string, Promise<void>>();
  return {
    isMaking: (sandboxId) => makers.has(sandboxId),

    async making(sandboxId, signal, make) {
      signal.throwIfAborted();
      if (makers.has(sandboxId)) {
        throw new RuntimeError("sandbox_exists", `The sandbox ${sandboxId} is being made already`);
      }
      const controller = new AbortController();
      const onAbort = (): void => controller.abort(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      const made = make(controller.signal);
      makers.set(sandboxId, { controller, done: made.catch(() => undefined) });
      try {
        return await made;
      } finally {
        makers.delete(sandboxId);
        signal.removeEventListener("abort", onAbort);
      }
    },

    async removing(sandboxId, remove) {
      if (!isSandboxId(sandboxId)) return;
      const maker = makers.get(sandboxId);
      maker?.controller.abort(
        new RuntimeError("sandbox_start_failed", `The sandbox ${sandboxId} was destroyed`),
      );
      await maker?.done;
      let removal = removals.get(sandboxId);
      if (!removal) {
        removal = remove().finally(() => removals.delete(sandboxId));
        removals.set(sandboxId, removal);
      }
      await removal;
    },

    async close(reason) {
      const open = [...makers.values()];
      for (const { controller } of open) controller.abort(reason);
      await Promise.all(open.map(({ done }) => done));
      await Promise.allSettled(removals.values());
    },
  };
}
