import type { Problem } from "../http/problem-document.js";
import { textOf } from "./chunks.js";
import { HotcellError } from "./error.js";

const LARGEST_PROBLEM_BYTES = 1024 * 1024;
const PROBLEM_WITHIN_MS = 20_000;

/** What proxies answer with when the gateway behind them is away (RFC 9110, 15.6.3 to 15.6.5). */
const AWAY = new Set([502, 503, 504]);

/** What of a problem document (RFC 9457) is used, if it is one of a gateway. */
function problemIn(text: string): Partial<Problem> & Pick<Problem, "code" | "detail"> {
  const problem = JSON.parse(text) as Partial<Problem> | null;
  if (typeof problem?.code !== "string" || typeof problem.detail !== "string") {
    throw new TypeError("not a problem document");
  }
  return { ...problem, code: problem.code, detail: problem.detail };
}

/** Why a request was refused, from the answer to it. */
export async function refusalOf(response: Response, url: string): Promise<HotcellError> {
  const { status } = response;
  if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) {
    await response.body?.cancel();
    return new HotcellError(
      "not_a_gateway",
      `What answers at ${url} is not a Hotcell gateway: it redirects elsewhere`,
      { status },
    );
  }
  try {
    const text = await textOf(response, LARGEST_PROBLEM_BYTES, { silenceMs: PROBLEM_WITHIN_MS });
    const { code, detail, errors, request_id } = problemIn(text);
    return new HotcellError(code, detail, {
      status,
      errors: Array.isArray(errors) ? errors : undefined,
      requestId: request_id ?? response.headers.get("x-request-id") ?? undefined,
    });
  } catch {
    return AWAY.has(status)
      ? new HotcellError("gateway_unreachable", `There is no gateway behind ${url} (${status})`, {
          status,
        })
      : new HotcellError(
          "not_a_gateway",
          `What answers at ${url} is not a Hotcell gateway: it answers with status ${status}`,
          { status },
        );
  }
}
