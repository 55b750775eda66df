import { RuntimeError, type LimitRequest } from "../runtime.js";

/**
 * Refuses numbers that are no limits. Engines read 0 and negative numbers as "no limit at all".
 * Throws `invalid_specification`.
 */
export function checkLimitRequest(request: LimitRequest): void {
  for (const [name, value] of Object.entries(request) as [
    keyof LimitRequest,
    number | undefined,
  ][]) {
    if (value === undefined) continue;
    const valid =
      name === "cpu"
        ? Number.isFinite(value) && value >= 0.01
        : Number.isSafeInteger(value) && value >= (name === "gpu" ? 0 : 1);
    if (!valid) {
      throw new RuntimeError(
        "invalid_specification",
        `The limit ${name} is ${value}: it must be ${
          name === "cpu" ? "a number of at least 0.01" : "a positive whole number"
        }`,
      );
    }
  }
}
