import { HotcellError } from "../errors.js";
import type { CommMessage } from "../sandboxes/kernels.js";
import type { CommRequest } from "./comm-request.js";

/** All of a message together, as JSON: numbers may be longer than they were written. */
const MOST_BYTES = 8 * 1024 * 1024;

/** The message that a request means. Throws `body_too_large`. */
export function commMessage(request: CommRequest): CommMessage {
  const { type: msg_type, comm_id, data, metadata, buffers } = request;
  const target = request.type === "comm_open" ? { target_name: request.target_name } : {};
  const content = { comm_id, ...target, data };
  const bytes = buffers.reduce(
    (sum, { length }) => sum + length,
    Buffer.byteLength(JSON.stringify([content, metadata])),
  );
  if (bytes > MOST_BYTES) {
    throw new HotcellError("body_too_large", `A comm message has at most ${MOST_BYTES} bytes`);
  }
  return { msg_type, content, metadata, buffers };
}
