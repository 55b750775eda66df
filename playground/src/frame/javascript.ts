import type { Renderer } from "./renderer.js";
import { showErrors } from "./show-errors.js";

/** JavaScript as IPython's `display.Javascript` means it: run with `element`, where it can put what it shows. */
export const renderJavaScript: Renderer = async (container, value) => {
  if (typeof value !== "string") throw new Error("JavaScript must be text");
  showErrors(container);
  try {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the output's own code, in its own frame
    const run = new Function("element", value) as (element: HTMLElement) => unknown;
    await run(container);
  } catch (error) {
    reportError(error);
  }
  return undefined;
};
