import { randomBytes, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localRuntime } from "../src/runtimes/local.js";
import type { SandboxImage } from "../src/runtimes/runtime.js";
import { createKerneldClient, type KerneldClient } from "../src/sandboxes/kerneld-client.js";
import { openLink } from "../src/sandboxes/link.js";
import { makeSandboxId } from "../src/sessions/id.js";
import { processTree } from "./process-memory.js";

/** A sandbox with one Python kernel that has answered. */
export interface BareSandbox {
  kerneld: KerneldClient;
  kernel: string;
  /** Milliseconds from the call of `create` to the kernel's first answer. */
  startMs: number;
  /** Its processes, as this machine numbers them. */
  processes: number[];
  /** Ends it; resolves with the milliseconds until nothing was left. */
  destroy(): Promise<number>;
}

/** Sandboxes of the local runtime, with no gateway before them. */
export interface BareSandboxes {
  start(): Promise<BareSandbox>;
  close(): Promise<void>;
}

export interface BareSandboxOptions {
  image: SandboxImage;
  /** Modules that the zygote has imported. */
  preload: string[];
  signal: AbortSignal;
}

export async function openBareSandboxes(options: BareSandboxOptions): Promise<BareSandboxes> {
  const { image, preload, signal } = options;
  const home = await mkdtemp(join(tmpdir(), "hotcell-bench-"));
  const links = join(home, "links");
  await mkdir(links, { mode: 0o711 });
  const runtime = localRuntime({ home, homeId: randomBytes(8).toString("hex"), preload });
  const live = new Set<BareSandbox>();

  async function start(): Promise<BareSandbox> {
    const sandboxId = makeSandboxId();
    const directory = join(links, sandboxId, "link");
    const link = await openLink({ directory, sandboxId, onEnrol: () => Promise.resolve() });
    try {
      const started = performance.now();
      const sandbox = await runtime.create(
        { sandboxId, image, limits: {}, isolation: "standard", linkDirectory: directory },
        { signal },
      );
      await link.connected(signal);
      const kerneld = createKerneldClient(link);
      const kernel = randomUUID();
      await kerneld.assign(
        {
          session_id: `bench-${sandboxId}`,
          env: {},
          cwd: null,
          kernels: [{ id: kernel, language: "python" }],
        },
        { signal },
      );
      await kerneld.kernels.request(
        kernel,
        { msg_type: "kernel_info_request", content: {}, timeout_s: 10 },
        { signal },
      );
      const startMs = performance.now() - started;
      const bare: BareSandbox = {
        kerneld,
        kernel,
        startMs,
        processes: processTree(sandbox.hostPid ?? 0),
        async destroy() {
          const ending = performance.now();
          await runtime.destroy(sandboxId);
          const ms = performance.now() - ending;
          live.delete(bare);
          await link.close();
          await rm(join(links, sandboxId), { recursive: true, force: true });
          return ms;
        },
      };
      live.add(bare);
      return bare;
    } catch (error) {
      await runtime.destroy(sandboxId);
      await link.close();
      throw error;
    }
  }

  return {
    start,
    async close() {
      await Promise.all([...live].map((sandbox) => sandbox.destroy()));
      await runtime.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
