import { isAbsolute, join } from "node:path";
import { RuntimeError, type SandboxSpecification } from "./runtime.js";

const SANDBOX_ID = /^[a-z0-9]{20}$/;

/** The kernel's bound on the path of a Unix socket, without the closing NUL. */
const SOCKET_PATH_BYTES = 107;

export const isSandboxId = (text: string): boolean => SANDBOX_ID.test(text);

/** Refuses what no runtime could make. Throws `invalid_specification`. */
export function checkSandboxSpecification(specification: SandboxSpecification): void {
  if (!isSandboxId(specification.sandboxId)) {
    throw new RuntimeError(
      "invalid_specification",
      `The sandbox id ${JSON.stringify(specification.sandboxId)} is not 20 lower-case letters and digits`,
    );
  }
  if (!isAbsolute(specification.linkDirectory)) {
    throw new RuntimeError(
      "invalid_specification",
      `The link directory ${specification.linkDirectory} is not an absolute path`,
    );
  }
  checkSocketPath(join(specification.linkDirectory, "gateway.sock"));
}

/** Throws `invalid_specification` when a Unix socket cannot have this path. */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > SOCKET_PATH_BYTES) {
    throw new RuntimeError(
      "invalid_specification",
      `The socket path ${path} has ${bytes} bytes, and the system allows ${SOCKET_PATH_BYTES}: ` +
        "set HOTCELL_HOME to a shorter path",
    );
  }
}
