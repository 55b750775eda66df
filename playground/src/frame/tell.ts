import type { FrameMessage } from "./frame-message.js";

const page = window.parent;

/** Tells the page something. Which origin it has is the gateway's business: `frame-ancestors` lets only its own be here. */
export function tell(message: FrameMessage): void {
  page.postMessage(message, "*");
}
