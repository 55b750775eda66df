import { HotcellError } from "./error.js";

/** As the gateway has it; anything else could name another path of the API. */
const ID = /^(?!\.+$)[A-Za-z0-9._~-]{1,128}$/;

/** @throws HotcellError `invalid_request` for what is no id */
function segment(id: string): string {
  if (ID.test(id)) return id;
  throw new HotcellError(
    "invalid_request",
    `${JSON.stringify(id)} is no id: 1 to 128 characters of A-Z a-z 0-9 . _ ~ -, and more than dots`,
  );
}

/** @throws HotcellError `invalid_request` for what is no id */
export function sessionPath(session: string): string {
  return `/v1/sessions/${segment(session)}`;
}

/** @throws HotcellError `invalid_request` for what is no id */
export function executionPath(session: string, execution: string): string {
  return `${sessionPath(session)}/executions/${segment(execution)}`;
}

/** @throws HotcellError `invalid_request` for what is no id */
export function eventsPath(session: string, kernel: string | undefined): string {
  const of = kernel === undefined ? "" : `/kernels/${segment(kernel)}`;
  return `${sessionPath(session)}${of}/events`;
}

/** @throws HotcellError `invalid_request` for what is no id */
export function kernelPath(session: string, kernel: string, action?: string): string {
  const path = `${sessionPath(session)}/kernels/${segment(kernel)}`;
  return action === undefined ? path : `${path}/${action}`;
}

/**
 * A file's place in the API, from its path relative to `/workspace`, or absolute inside it.
 * @throws HotcellError `invalid_path` for `..`, which addresses cannot hold, and for what is outside
 */
export function filePath(session: string, path: string): string {
  const segments = path.split("/").filter((name) => name !== "" && name !== ".");
  if (path.startsWith("/") && segments.shift() !== "workspace") {
    throw new HotcellError("invalid_path", `${path} is outside of /workspace`);
  }
  if (segments.includes("..")) {
    throw new HotcellError("invalid_path", `${path} has the name .., which cannot be asked for`);
  }
  const encoded =
    segments.length === 0 ? "%2Fworkspace" : segments.map(encodeURIComponent).join("/");
  return `${sessionPath(session)}/files/${encoded}`;
}
