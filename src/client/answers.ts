import type {
  Completeness,
  Completion,
  ExecutionView,
  History,
  ImageView,
  Inspection,
  KernelView,
  Notebook,
  Result,
  SessionList,
  SessionView,
} from "./views.js";
import type { Listing } from "./files.js";

/** What answers must have for this client; the rest is the gateway's word. */
type Kind = "string" | "boolean" | "number" | "object" | "array";

function has<T>(fields: Partial<Record<keyof T & string, Kind>>) {
  return (value: unknown): value is T =>
    typeof value === "object" &&
    value !== null &&
    Object.entries(fields).every(([name, kind]) => {
      const field: unknown = (value as Record<string, unknown>)[name];
      return kind === "array" ? Array.isArray(field) : typeof field === kind;
    });
}

export const isSession = has<SessionView>({
  id: "string",
  state: "string",
  image: "string",
  runtime: "string",
  isolation: "object",
  kernels: "array",
});
export const isSessionList = has<SessionList>({ sessions: "array" });
export const isResult = has<Result>({
  execution_id: "string",
  status: "string",
  outputs: "array",
  text: "string",
});
export const isExecution = has<ExecutionView>({ id: "string", state: "string" });
export const isListing = has<Listing>({ entries: "array", truncated: "boolean" });
export const isImageList = has<{ images: ImageView[] }>({ images: "array" });
export const isCompletion = has<Completion>({ status: "string", matches: "array" });
export const isInspection = has<Inspection>({ status: "string", found: "boolean" });
export const isCompleteness = has<Completeness>({ status: "string" });
export const isHistory = has<History>({ status: "string", history: "array" });
export const isKernel = has<KernelView>({
  id: "string",
  language: "string",
  execution_state: "string",
});
export const isKernelList = has<{ kernels: KernelView[] }>({ kernels: "array" });
export const isNotebook = has<Notebook>({ nbformat: "number", cells: "array" });
