import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type {
  IsolationTier,
  LimitRequest,
  Runtime,
  Sandbox,
  SandboxImage,
} from "../../../src/runtimes/runtime.js";
import { listen } from "./link.js";
import { standIn, type Side } from "./stand-in.js";

/** What the contract needs of a runtime under test. */
export interface RuntimeUnderTest {
  open(home: Home): Runtime;
  /** Of the image only the interpreter is used, by a stand-in for kerneld. */
  image: Pick<SandboxImage, "reference" | "interpreter">;
  /** The tier of every sandbox. With `strong` the sandbox's kernel is another than the host's: gVisor. */
  tier: IsolationTier;
  /** A reference to an image that is not there. */
  missingImage: string;
  /** The capabilities that a program is started with: those that make two sides, where the runtime does not itself. */
  startCapabilities: readonly string[];
  /** Whether the two sides have different user ids on this machine, or one that only their namespaces tell apart. */
  sidesHaveOwnIds: boolean;
  /** The user ids that a sandbox has and no other may have, as the kernel beneath it numbers them. */
  hostIds(sandbox: Sandbox): Promise<readonly number[]>;
  /** Removes what a home leaves beside its sandboxes. */
  discard(home: Home): Promise<void>;
  /** Names of all that exists outside of the runtime's process for a sandbox, or for all of a home. */
  traces(home: Home, sandboxId?: string): Promise<string[]>;
}

/** A gateway's home. */
export interface Home {
  directory: string;
  id: string;
}

export const makeHome = async (): Promise<Home> => ({
  directory: await mkdtemp(join(tmpdir(), "hotcell-")),
  id: randomBytes(8).toString("hex"),
});

export const newSandboxId = (): string => randomBytes(10).toString("hex");

/** A sandbox in which a test's Python runs. */
export interface Experiment {
  sandbox: Sandbox;
  /** The next value that the Python says; `{status}` with its exit code comes last. */
  said: () => Promise<unknown>;
}

export interface ExperimentOptions {
  side?: Side;
  limits?: LimitRequest;
  isolation?: IsolationTier;
  sandboxId?: string;
  /** Mode of the link directory on the host. */
  linkMode?: number;
}

/** Makes sandboxes of one home, and ends them when the test does. */
export interface Laboratory {
  home: Home;
  runtime: Runtime;
  run(code: string, signal: AbortSignal, options?: ExperimentOptions): Promise<Experiment>;
  close(): Promise<void>;
}

export async function openLaboratory(
  underTest: RuntimeUnderTest,
  home?: Home,
): Promise<Laboratory> {
  const own = home ?? (await makeHome());
  const runtime = underTest.open(own);
  return {
    home: own,
    runtime,
    async run(code, signal, options = {}) {
      const sandboxId = options.sandboxId ?? newSandboxId();
      const link = await listen(join(own.directory, "links", sandboxId), options.linkMode);
      onTestFinished(async () => {
        link.close();
        await runtime.destroy(sandboxId);
      });
      const sandbox = await runtime.create(
        {
          sandboxId,
          image: {
            ...underTest.image,
            entrypoint: standIn(underTest.image.interpreter, options.side ?? "user", code),
          },
          limits: options.limits ?? {},
          isolation: options.isolation ?? underTest.tier,
          linkDirectory: link.directory,
        },
        { signal },
      );
      return { sandbox, said: () => link.next(signal) };
    },
    async close() {
      await runtime.close();
      if (home) return;
      await underTest.discard(own);
      await rm(own.directory, { recursive: true, force: true });
    },
  };
}
