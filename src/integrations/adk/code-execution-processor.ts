import {
  BaseLlmResponseProcessor,
  BuiltInCodeExecutor,
  type CodeExecutionResult,
  CodeExecutionLanguage,
  createEvent,
  createEventActions,
  type Event,
  type File,
  type InvocationContext,
  isLlmAgent,
  type LlmResponse,
} from "@google/adk";
import type { BaseCodeExecutor } from "@google/adk";
import { endsInString } from "../../tools/code-fence.js";

type Content = NonNullable<LlmResponse["content"]>;
type Part = NonNullable<Content["parts"]>[number];

interface FoundCode {
  code: string;
  /** The reply up to the code, and the code as a part of its own. */
  parts: Part[];
}

// The names of the enumerations are the Gemini API's own; the package that declares them is ADK's dependency, not ours.

function executableCode(code: string): Part {
  return { executableCode: { code, language: "PYTHON" } } as unknown as Part;
}

function codeExecutionResult(failed: boolean, output: string): Part {
  const outcome = failed ? "OUTCOME_FAILED" : "OUTCOME_OK";
  return { codeExecutionResult: { outcome, output } } as unknown as Part;
}

/** The first block between two of the delimiters; one that lacks its end goes to the text's end. */
function firstBlock(
  text: string,
  delimiters: readonly [string, string][],
): { before: string; code: string } | undefined {
  const [first] = delimiters
    .map(([start, end]) => ({ start, end, at: text.indexOf(start) }))
    .filter(({ at }) => at >= 0)
    .sort((one, other) => one.at - other.at);
  if (first === undefined) return undefined;
  const rest = text.slice(first.at + first.start.length);
  let end = rest.indexOf(first.end);
  while (end >= 0 && endsInString(rest.slice(0, end))) end = rest.indexOf(first.end, end + 1);
  return { before: text.slice(0, first.at), code: end < 0 ? rest : rest.slice(0, end) };
}

/** The first code in a reply that has not been run; what the model wrote behind it came without its result. */
function codeIn({ parts = [] }: Content, executor: BaseCodeExecutor): FoundCode | undefined {
  const index = parts.findIndex(
    ({ executableCode: code }, at) =>
      code?.code !== undefined && parts[at + 1]?.codeExecutionResult === undefined,
  );
  const given = parts[index]?.executableCode?.code;
  if (given !== undefined) return { code: given, parts: parts.slice(0, index + 1) };
  for (const [at, { text, thought }] of parts.entries()) {
    if (text === undefined || thought === true) continue;
    const block = firstBlock(text, executor.codeBlockDelimiters);
    if (block === undefined || block.code.trim() === "") continue;
    const before = block.before.trim() === "" ? [] : [{ text: block.before }];
    return {
      code: block.code,
      parts: [...parts.slice(0, at), ...before, executableCode(block.code)],
    };
  }
  return undefined;
}

/** Data files of the conversation, where ADK's own request processor keeps them (`optimizeDataFile`). */
function inputFiles({ session }: InvocationContext): File[] {
  const files = session.state["_code_executor_input_files"];
  return Array.isArray(files) ? (files as File[]) : [];
}

function resultText({ stdout, stderr, outputFiles }: CodeExecutionResult, saved: boolean): string {
  const names = outputFiles.map(({ name }) => name).join(", ");
  const files = saved
    ? `[Saved as artifacts: ${names}]`
    : `[Not saved, because there is no artifact service: ${names}]`;
  return [stdout, stderr, outputFiles.length === 0 ? "" : files]
    .filter((part) => part !== "")
    .join("\n");
}

/** Runs code that a model has put into its reply, and lets the model go on with the result. */
class CodeExecutionProcessor extends BaseLlmResponseProcessor {
  /** Failures in a row, of the invocation that each session had last. */
  readonly #failures = new WeakMap<object, { invocationId: string; count: number }>();

  override async *runAsync(
    context: InvocationContext,
    response: LlmResponse,
  ): AsyncGenerator<Event, void, void> {
    const { agent, invocationId, branch } = context;
    if (agent === undefined || !isLlmAgent(agent) || response.partial === true) return;
    const { codeExecutor } = agent;
    if (codeExecutor === undefined || codeExecutor instanceof BuiltInCodeExecutor) return;
    if (this.#failed(context) >= codeExecutor.errorRetryAttempts) return;
    const found = response.content && codeIn(response.content, codeExecutor);
    if (found === undefined) return;
    const common = { invocationId, author: agent.name, branch };
    yield createEvent({ ...common, content: { role: "model", parts: found.parts } });
    const result = await codeExecutor.executeCode({
      invocationContext: context,
      codeExecutionInput: {
        code: found.code,
        language: CodeExecutionLanguage.PYTHON,
        inputFiles: inputFiles(context),
        ...(codeExecutor.stateful ? { executionId: context.session.id } : {}),
      },
    });
    const failed = result.stderr !== "";
    this.#count(context, failed);
    const { artifactService } = context;
    const actions = createEventActions();
    if (artifactService !== undefined) {
      for (const { name: filename, content: data, mimeType } of result.outputFiles) {
        const artifact = { inlineData: { data, mimeType } };
        actions.artifactDelta[filename] = await artifactService.saveArtifact({
          filename,
          artifact,
        });
      }
    }
    const output = resultText(result, artifactService !== undefined);
    yield createEvent({
      ...common,
      actions,
      content: { role: "model", parts: [codeExecutionResult(failed, output)] },
    });
    delete response.content;
  }

  #failed({ session, invocationId }: InvocationContext): number {
    const failures = this.#failures.get(session);
    return failures?.invocationId === invocationId ? failures.count : 0;
  }

  #count(context: InvocationContext, failed: boolean): void {
    const count = failed ? this.#failed(context) + 1 : 0;
    this.#failures.set(context.session, { invocationId: context.invocationId, count });
  }
}

/**
 * What `new LlmAgent({ codeExecutor, responseProcessors: [codeExecutionProcessor] })` needs, so that ADK 2.0 hands code in
 * the model's replies to the agent's executor: runs the first block, and calls the model again with its result. Output
 * files are saved as artifacts where there is an artifact service.
 */
export const codeExecutionProcessor: BaseLlmResponseProcessor = new CodeExecutionProcessor();
