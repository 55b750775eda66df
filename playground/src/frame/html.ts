import type { Renderer } from "./renderer.js";
import { attachHandlers, attachHandlersOf, runScript } from "./run-script.js";
import { showErrors } from "./show-errors.js";

const SCRIPT_TYPE = /^(?:|module|(?:text|application)\/(?:java|ecma)script)$/i;

/** HTML with its styles, handlers and scripts. Scripts run in order, once all of the HTML is there. */
export const renderHtml: Renderer = async (container, value) => {
  if (typeof value !== "string") throw new Error("HTML must be text");
  showErrors(container);
  // Of a whole page (`<html>…`) this keeps what its head and body have.
  container.append(document.createRange().createContextualFragment(value));
  attachHandlers(container);
  observeHandlers(container);
  for (const script of container.querySelectorAll("script")) {
    if (!SCRIPT_TYPE.test(script.type)) continue;
    if (script.hasAttribute("src")) continue;
    runScript(script.type === "module" ? `void (async () => {${script.text}\n})()` : script.text);
  }
  // What waits for the document to be complete has waited long enough.
  document.dispatchEvent(new Event("DOMContentLoaded"));
  window.dispatchEvent(new Event("load"));
  return undefined;
};

/** Handlers in attributes of what scripts add later. */
function observeHandlers(container: HTMLElement): void {
  new MutationObserver((records) => {
    for (const { addedNodes } of records) {
      for (const node of addedNodes) {
        if (!(node instanceof Element)) continue;
        attachHandlersOf(node);
        attachHandlers(node);
      }
    }
  }).observe(container, { childList: true, subtree: true });
}
