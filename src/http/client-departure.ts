import type { FastifyReply } from "fastify";

/**
 * A signal that aborts when the client has gone or has its answer. It follows the response's own close event:
 * `request.signal` aborts as soon as the body of a POST has been read.
 */
export function clientDeparture(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort(new Error("the client has gone")));
  return gone.signal;
}
