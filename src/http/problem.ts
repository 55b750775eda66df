import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { HotcellError } from "../errors.js";
import { type Problem, problemSchema } from "./problem-document.js";

export function problemOf(error: HotcellError, requestId: string): Problem {
  return {
    type: `urn:hotcell:problem:${error.code}`,
    title: error.title,
    status: error.status,
    detail: error.detail,
    code: error.code,
    request_id: requestId,
    ...(error.errors === undefined ? {} : { errors: error.errors }),
  };
}

/** Turns anything thrown into an error of the catalogue; what is not meant for clients becomes `internal_error`. */
export function toHotcellError(error: unknown, bodyLimit?: number): HotcellError {
  if (error instanceof HotcellError) return error;
  const { code, statusCode, message } = error as Partial<FastifyError>;
  switch (code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new HotcellError(
        "body_too_large",
        bodyLimit === undefined
          ? "The body is too large"
          : `The body is over the limit of ${bodyLimit} bytes`,
      );
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new HotcellError("unsupported_media_type", "Send the body as application/json");
    case "FST_ERR_CTP_INVALID_JSON_BODY":
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
      return new HotcellError("malformed_json", message ?? "The body is not JSON");
    default:
  }
  if (error instanceof SyntaxError && statusCode === 400) {
    return new HotcellError("malformed_json", `The body is not JSON: ${error.message}`);
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new HotcellError("invalid_request", message ?? "The request is not valid");
  }
  return new HotcellError(
    "internal_error",
    "The gateway has logged what happened, with this request's id",
    {
      cause: error,
    },
  );
}

/** Answers with a problem document (RFC 9457), to which `extend` may add what some clients look for. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  thrown: unknown,
  extend: (problem: Problem) => Problem = (problem) => problem,
): void {
  const error = toHotcellError(thrown, request.routeOptions.bodyLimit);
  if (error.status >= 500) {
    const level = error.code === "internal_error" ? "error" : "warn";
    request.log[level]({ err: error.options.cause ?? error, code: error.code }, "request failed");
  }
  if (error.code === "shutting_down" || error.code === "runtime_unavailable")
    reply.header("retry-after", "2");
  if (request.headers.upgrade !== undefined) {
    // Node's HTTP server has let go of a connection that asks for an upgrade: nobody else would close it.
    reply.header("connection", "close");
    reply.raw.once("finish", () => request.socket.destroySoon());
  }
  const problem = extend(problemOf(error, request.id));
  reply
    .code(problem.status)
    .type("application/problem+json; charset=utf-8")
    .serializer(JSON.stringify)
    .send(problem);
}

/** Documents the problems that a route may answer besides 400 and 401. */
export function problems<Status extends number>(
  ...statuses: Status[]
): Record<Status | 400 | 401, typeof problemSchema> {
  return Object.fromEntries(
    [400, 401, ...statuses].map((status) => [status, problemSchema]),
  ) as Record<Status | 400 | 401, typeof problemSchema>;
}
