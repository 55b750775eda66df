export { codeExecutionProcessor } from "./adk/code-execution-processor.js";
export { InterpreterCodeExecutor } from "./adk/code-executor.js";
export type { InterpreterCodeExecutorOptions } from "./adk/code-executor.js";
export { interpreterTool } from "./adk/interpreter-tool.js";
export type { InterpreterToolAnswer, InterpreterToolOptions } from "./adk/interpreter-tool.js";
export type { InterpreterOptions } from "./interpreter.js";
export type { MadeFile } from "./made-files.js";
export type { InterpreterResult } from "./model-parts.js";
