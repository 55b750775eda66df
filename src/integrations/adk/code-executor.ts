import {
  BaseCodeExecutor,
  type CodeExecutionResult,
  type ExecuteCodeParams,
  type File,
  FileContentEncoding,
} from "@google/adk";
import type { Hotcell, HotcellOptions } from "../../client/index.js";
import { Interpreter, type InterpreterOptions } from "../interpreter.js";
import type { InterpreterResult } from "../model-parts.js";
import type { GivenFile } from "../session-by-key.js";
import { figureFiles, sessionFiles } from "./output-files.js";
import { sessionIdFor } from "./session-names.js";

export interface InterpreterCodeExecutorOptions extends InterpreterOptions {
  /** Failures in a row after which a model's code is not run any more within one invocation; 2 by default. */
  errorRetryAttempts?: number | undefined;
}

function givenFile({ name, content, contentEncoding }: File): GivenFile {
  const isBase64 = contentEncoding === FileContentEncoding.BASE64;
  return { path: name, bytes: new Uint8Array(Buffer.from(content, isBase64 ? "base64" : "utf8")) };
}

/**
 * Runs the code in a model's replies, in a session of its own for each ADK session: variables and files stay. ADK counts
 * every `stderr` as a failure and shows the model nothing else then: it is empty unless the code failed, and holds all
 * that the run said where it did. Figures, and files that were made, are output files.
 *
 * ADK 2.0 leaves code in replies alone unless the agent has `responseProcessors: [codeExecutionProcessor]`, too.
 */
export class InterpreterCodeExecutor extends BaseCodeExecutor {
  readonly #interpreter: Interpreter;

  /** @param gateway a client, or what one is made from: `HOTCELL_URL` and `HOTCELL_API_KEY` by default */
  constructor(
    gateway: Hotcell | HotcellOptions = {},
    options: InterpreterCodeExecutorOptions = {},
  ) {
    super();
    this.#interpreter = new Interpreter(gateway, options);
    this.stateful = true;
    this.errorRetryAttempts = options.errorRetryAttempts ?? this.errorRetryAttempts;
    this.codeBlockDelimiters = [
      ["```tool_code\n", "\n```"],
      ["```python\n", "\n```"],
    ];
  }

  /** Code that fails is a result. Throws HotcellError where the gateway refuses or is away, and the invocation's abort. */
  override async executeCode(params: ExecuteCodeParams): Promise<CodeExecutionResult> {
    const { invocationContext, codeExecutionInput } = params;
    const signal = invocationContext.abortSignal;
    const sessionId = await sessionIdFor(invocationContext);
    const { code, inputFiles } = codeExecutionInput;
    await this.#interpreter.give(sessionId, inputFiles.map(givenFile), signal);
    const result = await this.#interpreter.result({ sessionId, code, signal });
    const outputFiles = [
      ...figureFiles(result),
      ...(await sessionFiles(result, this.#interpreter.sessions, signal)),
    ].map(({ shown: _shown, ...file }) => file);
    return { ...streamsOf(result), outputFiles };
  }
}

function streamsOf({ status, text }: InterpreterResult): { stdout: string; stderr: string } {
  return status === "ok" ? { stdout: text, stderr: "" } : { stdout: "", stderr: text };
}
