import type { BaseLogger } from "pino";

/** What this folder needs of a logger. */
export type Logger = Pick<BaseLogger, "debug" | "info" | "warn" | "error">;
