import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import {
  RuntimeError,
  type AbortOptions,
  type Runtime,
  type Sandbox,
  type SandboxImage,
} from "./runtime.js";
import { abortable } from "./abortable.js";

const PATIENCE_MS = 30_000;

/**
 * Says the nonce to the gateway's socket, and waits until the gateway hangs up, so that its end before that always
 * means failure. First becomes the kerneld user id, as kerneld does, where the runtime has not made the sides itself.
 */
const DIAL = `
import os, socket, sys
if "--side" not in sys.argv:
    kerneld = int(sys.argv[sys.argv.index("--kerneld-uid") + 1])
    os.setgroups([])
    os.setgid(kerneld)
    os.setuid(kerneld)
elif sys.argv[sys.argv.index("--side") + 1] == "user":
    sys.exit()
link = socket.socket(socket.AF_UNIX)
link.settimeout(10)
link.connect("/run/kerneld/link/gateway.sock")
link.sendall(sys.argv[1].encode())
link.recv(1)
`;

export interface LinkProofOptions extends AbortOptions {
  /** Where the proof's link directory is made. */
  parentDirectory: string;
  /** What the operator may do when a sandbox cannot dial, as a sentence. */
  hint: string;
}

/**
 * Proves that a sandbox can dial a socket of this host: makes one whose only work is that. Throws `link_unavailable`
 * when it cannot, and whatever `create` throws.
 */
export async function proveLink(
  runtime: Pick<Runtime, "create" | "destroy" | "watch">,
  image: SandboxImage,
  { parentDirectory, hint, signal }: LinkProofOptions,
): Promise<void> {
  const sandboxId = randomBytes(10).toString("hex");
  const nonce = randomBytes(16).toString("hex");
  const linkDirectory = join(parentDirectory, sandboxId);
  const server = createServer();
  const finished = new AbortController();
  let stopWatching: (() => void) | undefined;
  try {
    await mkdir(linkDirectory, { recursive: true, mode: 0o755 });
    const socketPath = join(linkDirectory, "gateway.sock");
    server.listen(socketPath);
    await once(server, "listening", { signal });
    await chmod(socketPath, 0o666);

    const outcome = new Promise<"dialled" | "ended" | "silent">((resolve) => {
      server.on("connection", (socket) => {
        let said = "";
        socket.setEncoding("utf8").on("error", () => undefined);
        socket.on("data", (text: string) => {
          said = (said + text).slice(0, nonce.length);
          if (said !== nonce) return;
          resolve("dialled");
          socket.destroy();
        });
      });
      stopWatching = runtime.watch((event) => {
        if (event.sandboxId === sandboxId && event.type === "exited") resolve("ended");
      });
      const timer = setTimeout(() => resolve("silent"), PATIENCE_MS);
      finished.signal.addEventListener("abort", () => clearTimeout(timer));
    });
    const sandbox = await runtime.create(
      {
        sandboxId,
        image: {
          ...image,
          entrypoint: [image.interpreter, "-I", "-S", "-c", DIAL, nonce],
        },
        limits: {},
        isolation: "standard",
        linkDirectory,
      },
      { signal },
    );
    if ((await abortable(outcome, signal)) !== "dialled") throw notDialled(sandbox, hint);
  } finally {
    finished.abort();
    stopWatching?.();
    server.close();
    await runtime.destroy(sandboxId);
    await rm(linkDirectory, { recursive: true, force: true });
  }
}

function notDialled(sandbox: Sandbox, hint: string): RuntimeError {
  const lines = sandbox.consoleTail().trim().split("\n");
  const lastWords = (lines.at(-1) ?? "").replace(/[^\x20-\x7e]/g, "?").slice(0, 200);
  return new RuntimeError(
    "link_unavailable",
    `A sandbox cannot dial a Unix socket in HOTCELL_HOME${lastWords ? ` (${lastWords})` : ""}. ${hint}`,
  );
}
