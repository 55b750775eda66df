import type { z } from "zod";
import type {
  completeReplySchema,
  historyReplySchema,
  inspectReplySchema,
  isCompleteReplySchema,
} from "../kernels/shell-reply.js";
import type { commRequestSchema } from "../sessions/comm-request.js";
import type { SessionState, SessionView } from "../sessions/session-view.js";
import type { executionResultSchema } from "../streaming/execution-result.js";
import type { CallOptions } from "./options.js";

export type { ExecutionEvent } from "../kernels/event.js";
export type { SessionEvent } from "../kernels/session-event.js";
export type { Notebook } from "../kernels/notebook.js";
export type { Output } from "../kernels/output.js";
export type { Problem } from "../http/problem-document.js";
export type { ImageView } from "../sessions/image-view.js";
export type { HistoryRequest } from "../sessions/history-request.js";
export type { ExecutionView, KernelView, SessionView } from "../sessions/session-view.js";

/** One execution, gathered. */
export type Result = z.output<typeof executionResultSchema>;

/** A comm message to a kernel, with its buffers in base64. */
export type CommMessage = z.input<typeof commRequestSchema>;

/** What could stand at a cursor. Positions count Unicode code points. */
export type Completion = z.output<typeof completeReplySchema>;

/** What is known of a name. */
export type Inspection = z.output<typeof inspectReplySchema>;

/** Whether code is ready to be executed. */
export type Completeness = z.output<typeof isCompleteReplySchema>;

/** What was executed in an interpreter. */
export type History = z.output<typeof historyReplySchema>;

/** A page of sessions. */
export interface SessionList {
  sessions: SessionView[];
  /** Where the next page begins; null on the last one. */
  next_cursor: string | null;
}

export interface SessionListOptions extends CallOptions {
  cursor?: string | undefined;
  limit?: number | undefined;
  state?: SessionState | undefined;
  /** Only those with this metadata. */
  metadata?: Record<string, string> | undefined;
}
