import type { Runtime, RuntimeReport, SandboxImage } from "../runtimes/runtime.js";

/** Whether a sandbox can dial the gateway. */
export type LinkTrial =
  | { outcome: "proven" }
  /** There was no image to try it with. */
  | { outcome: "untried" }
  | { outcome: "failed"; reason: string };

/** What came of asking a runtime what it can do here. */
export interface Trial {
  /** What sandboxes would get; null where none could work. */
  report: RuntimeReport | null;
  /** Why none could. */
  refusal: { message: string; cause: string | null } | null;
  link: LinkTrial;
}

/**
 * Asks a runtime, and where there is an image makes one sandbox that dials a socket, and ends it.
 * @throws the signal's reason
 */
export async function tryRuntime(
  runtime: Pick<Runtime, "probe">,
  image: SandboxImage | undefined,
  signal: AbortSignal,
): Promise<Trial> {
  let report: RuntimeReport;
  try {
    report = await runtime.probe({ signal });
  } catch (error) {
    signal.throwIfAborted();
    return refusedTrial(error);
  }
  if (!image) return { report, refusal: null, link: { outcome: "untried" } };
  try {
    report = await runtime.probe({ signal, image });
    return { report, refusal: null, link: { outcome: "proven" } };
  } catch (error) {
    signal.throwIfAborted();
    const { message } = refusalIn(error);
    return { report, refusal: null, link: { outcome: "failed", reason: message } };
  }
}

/** Of a runtime that could not even be asked. */
export const refusedTrial = (error: unknown): Trial => ({
  report: null,
  refusal: refusalIn(error),
  link: { outcome: "untried" },
});

function refusalIn(error: unknown): { message: string; cause: string | null } {
  if (!(error instanceof Error)) return { message: String(error), cause: null };
  const code = (error.cause as NodeJS.ErrnoException | undefined)?.code;
  return { message: error.message, cause: code ?? null };
}
