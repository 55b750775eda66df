import { z } from "zod";
import type { ImageProgress } from "../images/image-progress.js";

/** What a gateway that was started in the background tells who started it, over Node's IPC channel. */
export const startReportSchema = z.union([
  z.object({
    progress: z.object({
      step: z.string(),
      detail: z.string().optional(),
      fraction: z.number().optional(),
    }),
  }),
  z.object({ listening: z.literal(true) }),
]);

export type StartReport = z.output<typeof startReportSchema>;

export interface StartReporter {
  progress(progress: ImageProgress): void;
  /** The gateway listens: nothing more is told, and the starter may go. */
  listening(): void;
}

/** Reports to the process that started this one, where it wants to know. */
export function startReporter(): StartReporter {
  const send = (report: StartReport): void => {
    // The starter may have gone: the gateway starts all the same.
    if (process.connected) process.send?.(report, undefined, {}, () => undefined);
  };
  return {
    progress: (progress) => send({ progress }),
    listening: () => {
      send({ listening: true });
      if (process.connected) process.disconnect();
    },
  };
}
