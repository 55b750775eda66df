import type { KernelMessage } from "@jupyterlab/services";
import { z } from "zod";
import type {
  JournalRecord,
  KernelRecord,
  MessageRecord,
  RunRecord,
} from "../sandboxes/journal-record.js";
import type { EventOf, ExecutionEvent } from "./event.js";
import type { SessionEvent } from "./session-event.js";

const text = z.string().transform((value) => value.toWellFormed());
const object = z.custom<Record<string, unknown>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);
const objectOrEmpty = object.catch(() => Object.create(null) as Record<string, unknown>);
const count = z.int().min(0).optional().catch(undefined);

/** The id by which a display is updated (messaging protocol, `transient`). */
const transient = z
  .object({ display_id: text.optional().catch(undefined) })
  .catch({ display_id: undefined });

type Content<Message extends KernelMessage.IMessage> = z.ZodType<Message["content"]>;

/** What the contents of kernel messages must have to become events; the rest of them is left behind. */
const contents = {
  stream: z.object({
    name: z.enum(["stdout", "stderr"]),
    text,
  }) satisfies Content<KernelMessage.IStreamMsg>,
  rich: z.object({ data: object, metadata: objectOrEmpty, transient, execution_count: count }),
  clear_output: z.object({
    wait: z.boolean().catch(false),
  }) satisfies Content<KernelMessage.IClearOutputMsg>,
  error: z.object({
    ename: text.catch(""),
    evalue: text.catch(""),
    traceback: z.array(text).catch([]),
  }) satisfies Content<KernelMessage.IErrorMsg>,
  input_request: z.object({
    prompt: text.catch(""),
    password: z.boolean().catch(false),
  }) satisfies Content<KernelMessage.IInputRequestMsg>,
  comm_open: z.object({ comm_id: text, target_name: text.catch(""), data: objectOrEmpty }),
  comm: z.object({ comm_id: text, data: objectOrEmpty }),
};

/** What kerneld says of MIME values that were too large for their record. */
const artifacts = z.object({
  hotcell: z.object({
    artifacts: z
      .array(
        z.object({
          id: z
            .string()
            .regex(/^[A-Za-z0-9_-]{1,128}$/)
            .nullable(),
          mime: text,
          bytes: z.int().min(0),
        }),
      )
      .max(64),
  }),
});

/** Whose record it is: output outside of executions has no `id`. */
interface Origin {
  id: string | null;
  sessionId: string;
}

/** The metadata of a bundle, with links to the values that were taken out of its data, or word that they are lost. */
function linkedMetadata(
  metadata: Record<string, unknown>,
  { id: execution, sessionId }: Origin,
): Record<string, unknown> {
  if (!("hotcell" in metadata)) return metadata;
  const { hotcell: _, ...others } = metadata;
  const { data } = artifacts.safeParse(metadata);
  if (data === undefined) return others;
  const owner = `/v1/sessions/${sessionId}${execution === null ? "" : `/executions/${execution}`}`;
  const links = data.hotcell.artifacts.map(({ id, mime, bytes }) => ({
    mime,
    bytes,
    ...(id === null ? { dropped: true } : { href: `${owner}/artifacts/${id}` }),
  }));
  return { ...others, hotcell: { artifacts: links } };
}

interface Common {
  n: number;
  at: string;
  execution_id: string;
}

/** The events that messages of kernels become. */
type OutputEvent = EventOf<
  | "stream"
  | "execute_result"
  | "display_data"
  | "update_display_data"
  | "clear_output"
  | "error"
  | "input_request"
  | "comm_open"
  | "comm_msg"
  | "comm_close"
>;

function withoutUndefined<T extends object>(value: T): T {
  for (const key in value) if (value[key] === undefined) Reflect.deleteProperty(value, key);
  return value;
}

/** What a comm's message has besides its content. */
function besideContent({ metadata, buffers, dropped_buffers }: MessageRecord) {
  return withoutUndefined({ metadata, buffers, dropped_buffers });
}

function messageEvent(
  record: MessageRecord,
  common: Common,
  origin: Origin,
): OutputEvent | undefined {
  const type = record.msg_type as KernelMessage.MessageType;
  switch (type) {
    case "stream": {
      const { data } = contents.stream.safeParse(record.content);
      return data && { type, ...common, ...data };
    }
    case "execute_result":
    case "display_data":
    case "update_display_data": {
      const { data } = contents.rich.safeParse(record.content);
      return (
        data &&
        withoutUndefined({
          type,
          ...common,
          data: data.data,
          metadata: linkedMetadata(data.metadata, origin),
          execution_count: data.execution_count,
          display_id: data.transient.display_id,
        })
      );
    }
    case "clear_output": {
      const { data } = contents.clear_output.safeParse(record.content);
      return data && { type, ...common, ...data };
    }
    case "error": {
      const { data } = contents.error.safeParse(record.content);
      return data && { type, ...common, ...data };
    }
    case "input_request": {
      const { data } = contents.input_request.safeParse(record.content);
      return data && { type, ...common, ...data };
    }
    case "comm_open": {
      const { data } = contents.comm_open.safeParse(record.content);
      return data && { type, ...common, ...data, ...besideContent(record) };
    }
    case "comm_msg":
    case "comm_close": {
      const { data } = contents.comm.safeParse(record.content);
      return data && { type, ...common, ...data, ...besideContent(record) };
    }
    default:
      return undefined;
  }
}

function runEvent(
  record: RunRecord,
  common: Common,
  sessionId: string,
): Exclude<ExecutionEvent, OutputEvent | EventOf<"gap">> {
  switch (record.event) {
    case "queued":
      return { type: "queued", ...common, position: record.position };
    case "execution_started":
      return {
        type: "execution_started",
        ...common,
        session_id: sessionId,
        kernel_id: record.kernel,
        generation: record.generation,
        state: record.state,
        queued_ms: record.queued_ms,
      };
    case "deadline":
      return { type: "deadline", ...common, step: record.step };
    case "output_truncated":
      return {
        type: "output_truncated",
        ...common,
        name: record.name,
        dropped_bytes: record.dropped_bytes,
      };
    case "execution_finished":
      return {
        type: "execution_finished",
        ...common,
        status: record.status,
        execution_count: record.execution_count,
        duration_ms: record.duration_ms,
        state: record.state,
        ...(record.reason === null ? {} : { reason: record.reason }),
        usage: record.usage,
        output: record.output,
      };
  }
}

/**
 * The API's event for a record of the journal, with the same number; `undefined` for what is not an execution's event
 * (kernel records, message types that the API does not have) and for messages whose content makes no sense.
 */
export function recordEvent(
  record: JournalRecord,
  execution: { id: string; sessionId: string },
): ExecutionEvent | undefined {
  const common = { n: record.n, at: isoTime(record.at), execution_id: execution.id };
  switch (record.kind) {
    case "message":
      return messageEvent(record, common, execution);
    case "run":
      return runEvent(record, common, execution.sessionId);
    case "gap":
      return { type: "gap", ...common, from: record.from, to: record.to, reason: record.reason };
    case "kernel":
      return undefined;
  }
}

function kernelEvent(record: KernelRecord): SessionEvent {
  const common = {
    n: record.n,
    at: isoTime(record.at),
    kernel_id: record.kernel,
    generation: record.generation,
  };
  const language = record.language ?? undefined;
  const reason = record.reason ?? undefined;
  switch (record.event) {
    case "starting":
      return withoutUndefined({ type: "kernel_starting", ...common, language, reason });
    case "ready":
      return withoutUndefined({
        type: "kernel_ready",
        ...common,
        language,
        language_version: record.language_version ?? undefined,
      });
    case "dead":
      return withoutUndefined({
        type: "kernel_died",
        ...common,
        language,
        reason,
        signal: record.signal ?? undefined,
        exit_code: record.exit_code ?? undefined,
      });
    case "removed":
      return withoutUndefined({ type: "kernel_removed", ...common, language, reason });
  }
}

/**
 * The event that a record is on the stream of its session, or of one kernel, with the same number; `undefined` for
 * messages that the API does not have or whose content makes no sense.
 */
export function sessionEvent(
  record: JournalRecord,
  stream: { sessionId: string; kernelId: string | null },
): SessionEvent | undefined {
  const { sessionId } = stream;
  switch (record.kind) {
    case "kernel":
      return kernelEvent(record);
    case "gap": {
      const { n, from, to, reason } = record;
      const about = { execution_id: null, kernel_id: stream.kernelId };
      return { type: "gap", n, at: isoTime(record.at), ...about, from, to, reason };
    }
    case "run": {
      const common = { n: record.n, at: isoTime(record.at), execution_id: record.run };
      return { ...runEvent(record, common, sessionId), kernel_id: record.kernel };
    }
    case "message": {
      const common = { n: record.n, at: isoTime(record.at), execution_id: record.run ?? "" };
      const event = messageEvent(record, common, { id: record.run, sessionId });
      if (event === undefined) return undefined;
      return {
        ...event,
        execution_id: record.run,
        kernel_id: record.kernel,
        ...(record.late ? { late: true } : {}),
      };
    }
  }
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
