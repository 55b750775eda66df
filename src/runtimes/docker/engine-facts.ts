import { basename } from "node:path";
import { z } from "zod";
import { RuntimeError } from "../runtime.js";
import type { Engine } from "./engine.js";
import { supportsVolumeQuota } from "./volume-quota.js";

const ociRuntime = z
  .looseObject({
    path: z.string().default(""),
    runtimeType: z.string().default(""),
    runtimeArgs: z.array(z.string()).nullish(),
  })
  .nullable();

const info = z.object({
  ServerVersion: z.string().default("unknown"),
  OSType: z.string().default("linux"),
  OperatingSystem: z.string().default(""),
  MemoryLimit: z.boolean().default(false),
  SwapLimit: z.boolean().default(false),
  PidsLimit: z.boolean().default(false),
  CpuCfsQuota: z.boolean().default(false),
  CPUShares: z.boolean().default(false),
  CgroupVersion: z.string().default("1"),
  NCPU: z.number().default(1),
  SecurityOptions: z
    .array(z.string())
    .nullish()
    .transform((options) => options ?? []),
  Runtimes: z.record(z.string(), ociRuntime).default({}),
});

/** What matters about an OCI runtime that an engine knows. */
export interface OciRuntime {
  /** gVisor: a kernel of its own, that knows the engine's limits and filters only as far as its flags tell it to. */
  gvisor: boolean;
  /** Puts its sandboxes into the cgroups that the engine names. */
  cgroups: boolean;
  /** Filters system calls by the engine's profile. */
  seccomp: boolean;
  /** Its sandboxes can dial Unix sockets of the host. */
  hostSockets: boolean;
}

/** What matters about an engine, and cannot change without its restart. */
export interface EngineFacts {
  version: string;
  operatingSystem: string;
  cgroupVersion: string;
  cpus: number;
  limits: { memory: boolean; swap: boolean; pids: boolean; cpu: boolean };
  /** The engine confines system calls by a seccomp profile of its own or the operator's. */
  seccomp: boolean;
  apparmor: boolean;
  /** Root in a container is not root on the host: rootless, or with remapped user ids. */
  userNamespace: boolean;
  /** By name. */
  ociRuntimes: ReadonlyMap<string, OciRuntime>;
  /** Volumes can be given a size. */
  volumeQuota: boolean;
}

/** Asks the engine. Throws `runtime_unavailable`. */
export async function readEngineFacts(engine: Engine, signal: AbortSignal): Promise<EngineFacts> {
  const [answer, volumeQuota] = await Promise.all([
    engine.call(() => engine.docker.info() as Promise<unknown>, { signal }),
    supportsVolumeQuota(engine, signal),
  ]);
  return engineFacts(answer, volumeQuota);
}

/** Reads the engine's answer to `GET /info`. */
export function engineFacts(answer: unknown, volumeQuota: boolean): EngineFacts {
  const parsed = info.safeParse(answer);
  if (!parsed.success || parsed.data.OSType !== "linux") {
    throw new RuntimeError(
      "runtime_unavailable",
      "What answers for Docker is not an engine for Linux containers: point DOCKER_HOST to one",
      { cause: parsed.error },
    );
  }
  const engine = parsed.data;
  const options = engine.SecurityOptions.map(
    (option) => new Map(option.split(",").map((part) => part.split("=", 2) as [string, string])),
  );
  const option = (name: string) => options.find((fields) => fields.get("name") === name);
  const seccomp = option("seccomp");
  return {
    version: engine.ServerVersion,
    operatingSystem: engine.OperatingSystem,
    cgroupVersion: engine.CgroupVersion,
    cpus: engine.NCPU,
    limits: {
      memory: engine.MemoryLimit,
      swap: engine.SwapLimit,
      pids: engine.PidsLimit,
      cpu: engine.CpuCfsQuota,
    },
    seccomp: seccomp !== undefined && seccomp.get("profile") !== "unconfined",
    apparmor: option("apparmor") !== undefined,
    userNamespace: option("rootless") !== undefined || option("userns") !== undefined,
    ociRuntimes: new Map(
      Object.entries(engine.Runtimes).map(([name, runtime]) => [name, ociRuntimeFacts(runtime)]),
    ),
    volumeQuota,
  };
}

function ociRuntimeFacts(runtime: z.infer<typeof ociRuntime>): OciRuntime {
  const gvisor =
    basename(runtime?.path ?? "") === "runsc" || runtime?.runtimeType === "io.containerd.runsc.v1";
  const flag = (name: string, value = "true"): boolean =>
    (runtime?.runtimeArgs ?? []).some((argument) =>
      new RegExp(`^--?${name}(=(${value}))?$`).test(argument),
    );
  return {
    gvisor,
    cgroups: !gvisor || !flag("ignore-cgroups"),
    seccomp: !gvisor || flag("oci-seccomp"),
    hostSockets: !gvisor || flag("host-uds", "open|all") || flag("fsgofer-host-uds"),
  };
}
