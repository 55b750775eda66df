import { violation } from "./link-error.js";
import { RawJson } from "./raw-json.js";

export const MAX_JSON_BYTES = 1024 * 1024;
export const MAX_JSON_DEPTH = 64;
const MAX_JSON_CONTAINERS = 100_000;

/** A value from a sandbox. Objects have no prototype, so no key (`__proto__`, `constructor`) is special. */
export type JsonValue = null | boolean | number | string | RawJson | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

/** JSON that is too deep, or has too many objects and arrays, to be kept as values. */
export class JsonTooComplex extends Error {
  override readonly name = "JsonTooComplex";
}

/**
 * Parses a sandbox's JSON: at most 1 MiB and 64 levels deep, objects without prototype, strings well-formed.
 * @throws LinkError `sandbox_protocol_violation`
 */
export function parseJson(bytes: Buffer): JsonValue {
  const value = parseJsonText(bytes);
  try {
    return detach(value).value;
  } catch (error) {
    if (error instanceof JsonTooComplex) throw violation("JSON that is too complex", error);
    throw error;
  }
}

/** The first half of {@link parseJson}: what it returns must go through {@link detach} before it is passed on. */
export function parseJsonText(bytes: Buffer): unknown {
  if (bytes.length > MAX_JSON_BYTES) throw violation("JSON over 1 MiB");
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw violation("not JSON", error);
  }
}

/**
 * A copy of a parsed value on objects without prototype, with well-formed strings and keys, and how many objects and
 * arrays it has: each takes far more memory than the two bytes that it may have had as text.
 * @throws JsonTooComplex past `levels` or 100,000 objects and arrays
 */
export function detach(
  parsed: unknown,
  levels = MAX_JSON_DEPTH,
): { value: JsonValue; containers: number } {
  let containers = 0;
  const copyOf = (value: unknown, depth: number): JsonValue => {
    if (typeof value === "string") return value.toWellFormed();
    if (typeof value !== "object" || value === null) return value as null | boolean | number;
    containers += 1;
    if (depth === 0 || containers > MAX_JSON_CONTAINERS) throw new JsonTooComplex();
    if (Array.isArray(value)) return value.map((item) => copyOf(item, depth - 1));
    const copy = emptyObject();
    for (const key of Object.keys(value)) {
      copy[key.toWellFormed()] = copyOf((value as Record<string, unknown>)[key], depth - 1);
    }
    return copy;
  };
  return { value: copyOf(parsed, levels), containers };
}

/** A new object without prototype. */
function emptyObject(): JsonObject {
  return Object.create(null) as JsonObject;
}

/** Whether a value is a JSON object (not an array, not raw text). */
export function isJsonObject(value: unknown): value is JsonObject {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof RawJson)
  );
}
