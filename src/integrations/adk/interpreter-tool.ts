import { type Context, FunctionTool } from "@google/adk";
import type { Hotcell, HotcellOptions } from "../../client/index.js";
import { RUN_CODE, type RunCodeArguments, runCodeSchema } from "../../tools/run-code.js";
import { Interpreter, type InterpreterOptions } from "../interpreter.js";
import type { InterpreterResult } from "../model-parts.js";
import { figureFiles, type OutputFile, sessionFiles } from "./output-files.js";
import { sessionIdFor } from "./session-names.js";

export interface InterpreterToolOptions extends InterpreterOptions {
  /** What the model calls it; `run_code` by default. */
  name?: string | undefined;
  /** What the model is told of it. */
  description?: string | undefined;
}

/** What the model is answered. */
export interface InterpreterToolAnswer {
  /** `ok`, or how the run failed. */
  status: InterpreterResult["status"];
  /** What the run said. */
  output: string;
  /** Figures and files of the run that were saved as artifacts, by their artifacts' names. */
  artifacts?: { name: string; shows: string }[];
  /** What the model should know of figures and files that were not saved. */
  note?: string;
}

async function saveArtifacts(
  context: Context,
  files: OutputFile[],
): Promise<Pick<InterpreterToolAnswer, "artifacts" | "note">> {
  if (files.length === 0) return {};
  if (context.invocationContext.artifactService === undefined) {
    const names = files.map(({ shown }) => shown).join(", ");
    return { note: `Not saved as artifacts, because there is no artifact service: ${names}` };
  }
  for (const { name, content, mimeType } of files) {
    await context.saveArtifact(name, { inlineData: { data: content, mimeType } });
  }
  return { artifacts: files.map(({ name, shown }) => ({ name, shows: shown })) };
}

/**
 * An ADK tool that runs code in a session of its own for each ADK session. Figures and files of a run are saved as
 * artifacts. Code that fails is an answer; a gateway that refuses or is away is thrown.
 *
 * @param gateway a client, or what one is made from: `HOTCELL_URL` and `HOTCELL_API_KEY` by default
 */
export function interpreterTool(
  gateway: Hotcell | HotcellOptions = {},
  options: InterpreterToolOptions = {},
): FunctionTool<typeof runCodeSchema> {
  const interpreter = new Interpreter(gateway, options);

  const execute = async (
    { code, session, timeout_s }: RunCodeArguments,
    context?: Context,
  ): Promise<InterpreterToolAnswer> => {
    if (context === undefined) throw new TypeError("The tool is called within an ADK session only");
    const signal = context.abortSignal;
    const sessionId = await sessionIdFor(context.invocationContext, session);
    const result = await interpreter.result({ sessionId, code, timeout_s, signal });
    const files = [
      ...figureFiles(result),
      ...(await sessionFiles(result, interpreter.sessions, signal)),
    ];
    return { status: result.status, output: result.text, ...(await saveArtifacts(context, files)) };
  };

  return new FunctionTool({
    name: options.name ?? RUN_CODE.name,
    description: options.description ?? RUN_CODE.description,
    parameters: runCodeSchema,
    execute,
  });
}
