import { z } from "zod";
import { commRequestShapes } from "../sessions/comm-request.js";
import { executionRequestShape } from "../sessions/execution-request.js";
import { inputRequestShape } from "../sessions/input-request.js";
import { clientIdSchema, textSchema } from "../sessions/session-options.js";

/** Names a request of the client's; everything that answers it carries it again. */
const ref = z.string().min(1).max(128);
const kernel = executionRequestShape.kernel;

const comm = { op: z.literal("comm"), ref, kernel };

/** What a client may send over a session's WebSocket. */
export const socketMessageSchema = z
  .discriminatedUnion("op", [
    z.strictObject({ op: z.literal("execute"), ref, ...executionRequestShape }),
    z
      .strictObject({
        op: z.literal("resume"),
        ref,
        execution_id: clientIdSchema
          .optional()
          .describe("Follow this execution, from its beginning or behind `after`"),
        kernel: z
          .uuid()
          .optional()
          .describe("Follow this kernel; without it and `execution_id`, the whole session"),
        after: z
          .int()
          .min(0)
          .optional()
          .describe("Only events with larger numbers; sessions and kernels: from now on otherwise"),
      })
      .refine(
        ({ execution_id, kernel: named }) => execution_id === undefined || named === undefined,
        {
          message: "is of no use beside execution_id",
          path: ["kernel"],
        },
      ),
    z
      .strictObject({ op: z.literal("unfollow"), ref })
      .describe("No more events with this `ref`; what runs goes on"),
    z.strictObject({
      op: z.literal("input"),
      ref,
      execution_id: clientIdSchema,
      ...inputRequestShape,
    }),
    z.strictObject({ op: z.literal("interrupt"), ref, execution_id: clientIdSchema }),
    z.strictObject({
      op: z.literal("complete"),
      ref,
      kernel,
      code: textSchema,
      cursor: z.int().min(0).optional().describe("In Unicode code points; the end by default"),
    }),
    z.strictObject({
      op: z.literal("inspect"),
      ref,
      kernel,
      code: textSchema,
      cursor: z.int().min(0).optional(),
      detail: z.union([z.literal(0), z.literal(1)]).optional(),
    }),
    z.discriminatedUnion("type", [
      z.strictObject({ ...comm, ...commRequestShapes.comm_open }),
      z.strictObject({ ...comm, ...commRequestShapes.comm_msg }),
      z.strictObject({ ...comm, ...commRequestShapes.comm_close }),
    ]),
  ])
  .meta({
    id: "SocketMessage",
    description:
      "What a client sends over the WebSocket /v1/sessions/{session_id}/stream. A session that has ended is refused with 410 " +
      "before the upgrade: how its executions ended is told by their `/events` for ten minutes",
  });

export type SocketMessage = z.output<typeof socketMessageSchema>;
export type MessageOf<Op extends SocketMessage["op"]> = Extract<SocketMessage, { op: Op }>;
