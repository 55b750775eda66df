import type { ExecutionEvent } from "../kernels/event.js";
import type { SessionEvent } from "../kernels/session-event.js";
import { stringifyJson } from "../sandboxes/raw-json.js";

/** One line of JSON. Values of MIME bundles that were relayed as JSON text are spliced in as they are. */
export function stringifyEvent(event: ExecutionEvent | SessionEvent, ref?: string): string {
  const tagged = ref === undefined ? event : { ...event, ref };
  return "data" in tagged ? stringifyJson(tagged) : JSON.stringify(tagged);
}
