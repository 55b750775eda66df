/// <reference lib="esnext.disposable" preserve="true" />
import { type DynamicStructuredTool, type ToolRunnableConfig, tool } from "@langchain/core/tools";
import type { ExecutionEvent, Hotcell, HotcellOptions } from "../client/index.js";
import { makeId } from "../client/id.js";
import { RUN_CODE, type RunCodeArguments, runCodeSchema } from "../tools/run-code.js";
import { Interpreter, type InterpreterOptions } from "./interpreter.js";
import type { InterpreterResult } from "./model-parts.js";
import { sessionIdOf } from "./session-id.js";

export type { InterpreterOptions } from "./interpreter.js";
export type { MadeFile } from "./made-files.js";
export type { InterpreterResult } from "./model-parts.js";

export interface InterpreterToolOptions extends InterpreterOptions {
  /** What the model calls it; `run_code` by default. */
  name?: string | undefined;
  /** What the model is told of it. */
  description?: string | undefined;
  /** The gateway's session for a call; the thread's own by default. */
  sessionId?: ((config: ToolRunnableConfig) => string | undefined) | undefined;
}

/** What appears in LangGraph's stream mode `custom` while code runs. */
export interface InterpreterProgress {
  type: "hotcell";
  tool_call_id: string | undefined;
  event: ExecutionEvent;
}

type TextBlock = { type: "text"; text: string };
type ImageBlock = { type: "image"; mimeType: string; data: string };

type ToolContent = string | (TextBlock | ImageBlock)[];

/** The tool, whose `Symbol.asyncDispose` ends the sessions of calls without a thread. */
export type InterpreterTool = DynamicStructuredTool<
  typeof runCodeSchema,
  RunCodeArguments,
  RunCodeArguments,
  [ToolContent, InterpreterResult],
  ExecutionEvent
> &
  AsyncDisposable;

function contentOf({ text, images }: InterpreterResult): ToolContent {
  if (images.length === 0) return text;
  return [
    { type: "text", text },
    ...images.map(({ media_type, data }): ImageBlock => ({
      type: "image",
      mimeType: media_type,
      data,
    })),
  ];
}

function progressOf(tool_call_id: string | undefined, event: ExecutionEvent): InterpreterProgress {
  return { type: "hotcell", tool_call_id, event };
}

function threadOf({ configurable }: ToolRunnableConfig): string | undefined {
  const { thread_id: thread } = (configurable ?? {}) as { thread_id?: unknown };
  return typeof thread === "string" || typeof thread === "number" ? String(thread) : undefined;
}

/**
 * A LangChain tool that runs code in a session of its own for each `thread_id`; calls without one share a session that
 * `await using` or `Symbol.asyncDispose` ends. The message's content is what a model should read, its artifact the whole
 * {@link InterpreterResult}. While code runs, its events appear in LangGraph's stream modes `tools` and `custom`
 * ({@link InterpreterProgress}). Code that fails is an answer; a gateway that refuses or is away is thrown.
 *
 * @param gateway a client, or what one is made from: `HOTCELL_URL` and `HOTCELL_API_KEY` by default
 */
export function interpreterTool(
  gateway: Hotcell | HotcellOptions = {},
  options: InterpreterToolOptions = {},
): InterpreterTool {
  const interpreter = new Interpreter(gateway, options);
  const ownThread = makeId("ses");
  const ownSessions = new Set<string>();

  const sessionOf = async (config: ToolRunnableConfig, name: string | undefined) => {
    const chosen = options.sessionId?.(config);
    if (chosen !== undefined) return chosen;
    const thread = threadOf(config);
    const id = await sessionIdOf("langgraph", [thread ?? ownThread, ...(name ? [name] : [])]);
    if (thread === undefined) ownSessions.add(id);
    return id;
  };

  async function* runCode(
    { code, session, timeout_s }: RunCodeArguments,
    config: ToolRunnableConfig & { writer?: (chunk: unknown) => void },
  ): AsyncGenerator<ExecutionEvent, [ToolContent, InterpreterResult], undefined> {
    const { signal, writer, toolCall } = config;
    const result = yield* interpreter.run({
      sessionId: await sessionOf(config, session),
      code,
      timeout_s,
      signal,
      onEvent: (event) => writer?.(progressOf(toolCall?.id, event)),
    });
    return [contentOf(result), result];
  }

  const dispose = async (): Promise<void> => {
    await Promise.all([...ownSessions].map((id) => interpreter.sessions.end(id)));
    ownSessions.clear();
  };

  return Object.assign(
    tool(runCode, {
      name: options.name ?? RUN_CODE.name,
      description: options.description ?? RUN_CODE.description,
      schema: runCodeSchema,
      responseFormat: "content_and_artifact",
    }),
    { [Symbol.asyncDispose]: dispose },
  );
}
