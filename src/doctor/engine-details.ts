import { z } from "zod";
import type { Engine } from "../runtimes/docker/engine.js";
import { engineFacts, type EngineFacts } from "../runtimes/docker/engine-facts.js";

const details = z.object({
  KernelVersion: z.string().default(""),
  DockerRootDir: z.string().default("/var/lib/docker"),
  Driver: z.string().default(""),
  SecurityOptions: z.array(z.string()).nullish(),
});

const versions = z.object({
  Components: z
    .array(z.object({ Name: z.string(), Version: z.string() }))
    .nullish()
    .transform((components) => components ?? []),
});

/** What an engine says of itself that only a person wants to know. */
export interface EngineDetails {
  /** As the runtime reads it, but for the size of volumes, which takes a trial. */
  facts: Omit<EngineFacts, "volumeQuota">;
  /** The kernel of the machine that containers run on, as `uname -r` says it there. */
  kernel: string;
  /** Where the engine keeps its files. */
  directory: string;
  selinux: boolean;
  /** The version of runc, the program that starts containers; null where the engine does not tell. */
  runc: string | null;
}

/** Asks the engine. Throws `runtime_unavailable`. */
export async function readEngineDetails(
  engine: Engine,
  signal: AbortSignal,
): Promise<EngineDetails> {
  const [info, version] = await Promise.all([
    engine.call(() => engine.docker.info() as Promise<unknown>, { signal }),
    engine.call(() => engine.docker.version() as Promise<unknown>, { signal }),
  ]);
  return engineDetails(info, version);
}

/** Reads the engine's answers to `GET /info` and `GET /version`. Throws `runtime_unavailable`. */
export function engineDetails(info: unknown, version: unknown): EngineDetails {
  const facts = engineFacts(info, false);
  const { KernelVersion, DockerRootDir, SecurityOptions } = details.parse(info);
  const components = versions.safeParse(version).data?.Components ?? [];
  return {
    facts,
    kernel: KernelVersion,
    directory: DockerRootDir,
    selinux: (SecurityOptions ?? []).some((option) => option.split(",").includes("name=selinux")),
    runc: components.find(({ Name }) => Name === "runc")?.Version ?? null,
  };
}
