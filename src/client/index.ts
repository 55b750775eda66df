export { HotcellError } from "./error.js";
export type { ConnectionErrorCode, HotcellErrorCode } from "./error.js";
export { Execution } from "./execution.js";
export { SessionFiles } from "./files.js";
export type { FileData, FileEntry, Listing } from "./files.js";
export { Hotcell } from "./hotcell.js";
export { SessionKernels } from "./kernels.js";
export type {
  CallOptions,
  ExecutionOptions,
  FollowOptions,
  HotcellOptions,
  InputOptions,
  KernelOptions,
  RetryOptions,
  RunOptions,
  SessionOptions,
} from "./options.js";
export { Session } from "./session.js";
export { SessionEvents } from "./session-events.js";
export type {
  CommMessage,
  Completeness,
  Completion,
  ExecutionEvent,
  ExecutionView,
  History,
  HistoryRequest,
  ImageView,
  Inspection,
  KernelView,
  Notebook,
  Output,
  Problem,
  Result,
  SessionEvent,
  SessionList,
  SessionListOptions,
  SessionView,
} from "./views.js";
