import type { FastifyReply } from "fastify";

/** The headers that hooks have set so far: a hijacked reply does not send them by itself. */
export function headersOf(reply: FastifyReply): Record<string, string | number | string[]> {
  return Object.fromEntries(
    Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined),
  ) as Record<string, string | number | string[]>;
}
