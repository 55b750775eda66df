import { LinkError } from "./link-error.js";

/**
 * Runs a task under a total deadline. The task's signal aborts when the deadline passes (then the task's error is a
 * `sandbox_unresponsive`) or when the outer signal does (with that signal's reason).
 */
export async function within<Result>(
  milliseconds: number,
  outer: AbortSignal | undefined,
  task: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  outer?.throwIfAborted();
  const controller = new AbortController();
  const onAbort = () => controller.abort(outer?.reason);
  const timer = setTimeout(() => {
    controller.abort(
      new LinkError("sandbox_unresponsive", `no answer within ${milliseconds / 1000} s`),
    );
  }, milliseconds);
  outer?.addEventListener("abort", onAbort, { once: true });
  try {
    return await task(controller.signal);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", onAbort);
  }
}

/** A promise that a caller resolves, and that fails with the signal's reason when that aborts first. */
export function abortable<Result>(
  signal: AbortSignal | undefined,
  start: (resolve: (result: Result) => void, reject: (reason: Error) => void) => () => void,
): Promise<Result> {
  return new Promise<Result>((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const settled = () => {
      signal?.removeEventListener("abort", onAbort);
    };
    const onAbort = () => {
      withdraw();
      reject(signal?.reason as Error);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const withdraw = start(
      (result) => {
        settled();
        resolve(result);
      },
      (reason) => {
        settled();
        reject(reason);
      },
    );
  });
}
