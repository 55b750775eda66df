import type { z } from "zod";
import { HotcellError, type FieldError } from "./errors.js";

/** The path of a field as people write it: `files[0].path`. */
export function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number" || /^\d+$/.test(String(part))) return `${text}[${String(part)}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "");
}

/** What a zod error says, field by field; unknown fields are named one by one. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        path: fieldPath([...issue.path, key]),
        message: "is not a known field",
      }));
    }
    return [{ path: fieldPath(issue.path), message: issue.message }];
  });
}

/** An `invalid_request` that names every bad field. */
export function invalidRequest(errors: FieldError[]): HotcellError {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const where = first === undefined || first.path === "" ? "the body" : first.path;
  return new HotcellError("invalid_request", `${where}: ${first?.message ?? "not valid"}${more}`, {
    errors,
  });
}

/** The value as the schema makes it; throws `invalid_request`. */
export function parseOrRefuse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalidRequest(fieldErrors(parsed.error.issues));
  return parsed.data;
}
