import type { Result } from "../client/index.js";
import type { Gathered } from "../kernels/gathering.js";
import { executionResult } from "../streaming/execution-result.js";
import type { ModelImageLimits } from "../streaming/model-image.js";
import { renderForModel } from "../streaming/model-text.js";
import type { MadeFile } from "./made-files.js";

/** One run: what the model reads (`text`, `images`), and all that stands behind it. */
export interface InterpreterResult extends Result {
  /** Files that the run has made or changed. */
  files: MadeFile[];
}

export interface ModelPartsOptions {
  execution: { id: string; sessionId: string };
  gathered: Gathered;
  files: MadeFile[];
  /** Its session had ended, and was made anew. */
  replaced: boolean;
  images: Partial<ModelImageLimits> | undefined;
}

const REPLACED =
  "[The session had ended, and this ran in a new one: variables, imports and files of earlier calls are gone.]";

/** Some models take no empty answer. */
const SILENT = "[no output]";

/** A run as a model should read it, and as the API answers it. */
export function modelParts(options: ModelPartsOptions): InterpreterResult {
  const { execution, gathered, files, replaced, images } = options;
  const rendering = renderForModel(gathered, {
    files,
    ...(images === undefined ? {} : { images }),
  });
  const text = rendering.text === "" ? SILENT : rendering.text;
  const result = executionResult({ ...execution, kernelId: null }, gathered, {
    images: rendering.images,
    text: replaced ? `${REPLACED}\n${text}` : text,
  });
  return { ...result, files };
}
