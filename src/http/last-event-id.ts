import { z } from "zod";

/** How clients say where an event stream is to go on. */
export const resumption = {
  querystring: z.object({
    after: z.coerce
      .number()
      .int()
      .min(0)
      .optional()
      .describe("Only events with larger numbers; 0 for all that are kept"),
  }),
  headers: z.object({
    "last-event-id": z
      .string()
      .optional()
      .describe("As `after`, before which it counts: browsers send it with the address as it was"),
  }),
};

/**
 * The number of the last event that the client has had. What is not a number in `Last-Event-ID` is as if it were not
 * there (HTML Standard, "Server-sent events": a server may not have set it).
 */
export function lastEventNumber(request: {
  query: z.output<typeof resumption.querystring>;
  headers: { "last-event-id"?: string | undefined };
}): number | undefined {
  const id = request.headers["last-event-id"];
  return id !== undefined && /^\d{1,15}$/.test(id) ? Number(id) : request.query.after;
}
