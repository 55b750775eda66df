import type { Console } from "../console.js";
import {
  RuntimeError,
  type DefaultLimits,
  type Sandbox,
  type SandboxSpecification,
} from "../runtime.js";
import { attachConsole } from "./console.js";
import { containerOptions, type ContainerPlan } from "./container.js";
import { effectiveLimits } from "./effective-limits.js";
import type { Engine } from "./engine.js";
import { refusal } from "./engine.js";
import type { EngineFacts } from "./engine-facts.js";
import type { IdentityFiles } from "./identity-files.js";
import { sandboxLabels, sandboxName } from "./labels.js";
import { ociRuntimeFor } from "./oci-runtime.js";
import { dockerIsolation } from "./protections.js";
import type { Roster } from "./roster.js";
import { drawUidPair, HIGH_UID_RANGE, NARROW_UID_RANGE, type UidRange } from "./uid-pair.js";

export interface CreationOptions {
  engine: Engine;
  facts: EngineFacts;
  roster: Roster;
  identityFiles: IdentityFiles;
  homeId: string;
  defaults: DefaultLimits;
  uidRange: UidRange | undefined;
  strongRuntime: string | undefined;
  /** Removes whatever there is of a sandbox. */
  remove(sandboxId: string): Promise<void>;
}

/**
 * Makes and starts a sandbox's container; the roster is still to be told that it runs. Rejects with nothing left behind; an abort takes effect between the
 * engine's answers, for a request that is under way could still leave a container.
 */
export async function createSandbox(
  specification: SandboxSpecification,
  options: CreationOptions,
  signal: AbortSignal,
): Promise<{ sandbox: Sandbox; console: Console }> {
  const began = performance.now();
  const { engine, facts, roster, homeId } = options;
  const { sandboxId } = specification;
  const ociRuntime = ociRuntimeFor(specification.isolation, options.strongRuntime, facts);
  const limits = effectiveLimits(specification.limits, options.defaults, facts, ociRuntime);
  const range = options.uidRange ?? (facts.userNamespace ? NARROW_UID_RANGE : HIGH_UID_RANGE);
  const uids = drawUidPair(range, roster.takenUids());

  roster.begin(sandboxId, uids);
  const forget = async (): Promise<void> => {
    await options.identityFiles.remove(sandboxId);
    roster.forget(sandboxId);
  };
  const files = await options.identityFiles.write(sandboxId, uids).catch(async (error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") await forget();
    else roster.forget(sandboxId);
    throw (error as NodeJS.ErrnoException).code === "EEXIST" ? exists(sandboxId, error) : error;
  });
  const plan: ContainerPlan = {
    name: sandboxName(homeId, sandboxId),
    labels: sandboxLabels(homeId, sandboxId, uids),
    image: specification.image,
    uids,
    limits,
    workspaceVolume: facts.volumeQuota,
    ociRuntime,
    linkDirectory: specification.linkDirectory,
    passwdFile: files.passwd,
    groupFile: files.group,
  };
  let console: Console | undefined;
  try {
    signal.throwIfAborted();
    const container = await engine.call(
      () => engine.docker.createContainer(containerOptions(plan)),
      { patience: "long" },
    );
    signal.throwIfAborted();
    console = await attachConsole(engine, container, signal);
    await engine.call((abortSignal) => container.start({ abortSignal }), { patience: "long" });
    signal.throwIfAborted();
  } catch (error) {
    console?.close();
    // A conflict means that the name is another's, whose container is not ours to remove.
    await (refusal(error)?.status === 409 ? forget() : options.remove(sandboxId));
    throw startFailure(error, specification);
  }
  const opened = console;
  return {
    console: opened,
    sandbox: {
      sandboxId,
      isolation: dockerIsolation(specification.isolation, facts, limits.cpu !== null, ociRuntime),
      limits,
      workspace: {
        kind: facts.volumeQuota ? "volume-quota" : "tmpfs",
        bytes: limits.diskBytes,
      },
      uids,
      startKind: "cold",
      startMs: performance.now() - began,
      hostPid: null,
      consoleTail: () => opened.tail(),
    },
  };
}

const exists = (sandboxId: string, cause: unknown): RuntimeError =>
  new RuntimeError("sandbox_exists", `There is a sandbox ${sandboxId} already`, { cause });

/** The engine's refusal in our terms; other errors as they are. */
function startFailure(error: unknown, { image, sandboxId }: SandboxSpecification): unknown {
  const refused = refusal(error);
  if (!refused) return error;
  if (refused.status === 409) return exists(sandboxId, error);
  if (refused.status === 404 && /image/i.test(refused.message)) {
    return new RuntimeError(
      "image_missing",
      `The Docker engine has no image ${image.reference}: build it with \`hotcell images\``,
      { cause: error },
    );
  }
  return new RuntimeError(
    "sandbox_start_failed",
    `Docker did not start the sandbox: ${refused.message}`,
    { cause: error },
  );
}
