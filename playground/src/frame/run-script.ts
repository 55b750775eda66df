// In the global scope, as a script element's code would run.
const evaluate = globalThis.eval;

/** Runs a script's code. Its errors are reported as a browser reports those of a script element. */
export function runScript(code: string): void {
  try {
    evaluate(code);
  } catch (error) {
    reportError(error);
  }
}

/** Gives the event handlers in attributes (`onclick="…"`) back to elements: the policy allows no inline script. */
export function attachHandlers(root: Element | DocumentFragment): void {
  for (const element of root.querySelectorAll("*")) attachHandlersOf(element);
}

/** As {@link attachHandlers}, of one element. */
export function attachHandlersOf(element: Element): void {
  for (const { name, value } of element.attributes) {
    if (!/^on[a-z]+$/.test(name)) continue;
    try {
      // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the output's own code, in its own frame
      const handler = new Function("event", value) as (event: Event) => unknown;
      element.addEventListener(name.slice(2), function (this: Element, event) {
        if (handler.call(this, event) === false) event.preventDefault();
      });
    } catch (error) {
      reportError(error);
    }
  }
}
