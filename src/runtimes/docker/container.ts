import type Docker from "dockerode";
import { inodesFor } from "../limits/tmpfs-sizes.js";
import type { EffectiveLimits, SandboxImage, UidPair } from "../runtime.js";
import type { NamedOciRuntime } from "./oci-runtime.js";

/** PID 1 becomes two unprivileged sides with these, and then drops them. */
const CAPABILITIES = ["SETUID", "SETGID", "SETPCAP", "KILL"];

/**
 * The most that gVisor takes of the host's processes and threads for one of its own. It does not survive a refusal, so
 * this bound is a guard beyond the one that its kernel keeps.
 */
const HOST_TASKS_PER_PROCESS = 16;

/** What kerneld's processes and threads leave the user side. */
const usersTasks = (pids: number): number => Math.max(1, pids - 4);

export interface ContainerPlan {
  /** Also the volume's name. */
  name: string;
  labels: Record<string, string>;
  image: SandboxImage;
  uids: UidPair;
  limits: EffectiveLimits;
  /** Whether `/workspace` is a volume with a quota. */
  workspaceVolume: boolean;
  /** Undefined for the engine's default. */
  ociRuntime: NamedOciRuntime | undefined;
  linkDirectory: string;
  passwdFile: string;
  groupFile: string;
}

/** The published types lack it. */
type HostConfig = Docker.HostConfig & { CgroupnsMode: "private" };

/** The body of `POST /containers/create` for a sandbox. */
export function containerOptions(plan: ContainerPlan): Docker.ContainerCreateOptions {
  const { uids } = plan;
  const hostConfig: HostConfig = {
    Runtime: plan.ociRuntime?.name,
    NetworkMode: "none",
    // Otherwise the engine copies the host's name servers and search domains into the container.
    Dns: ["127.0.0.1"],
    DnsSearch: ["."],
    ReadonlyRootfs: true,
    CapDrop: ["ALL"],
    CapAdd: CAPABILITIES,
    SecurityOpt: ["no-new-privileges"],
    // A private namespace without the engine's /dev/shm, whose number of files has no bound.
    IpcMode: "none",
    CgroupnsMode: "private",
    ...resources(plan),
    Tmpfs: tmpfs(plan),
    Mounts: mounts(plan),
    LogConfig: { Type: "none", Config: {} },
    RestartPolicy: { Name: "" },
  };
  return {
    name: plan.name,
    Image: plan.image.reference,
    Entrypoint: [...plan.image.entrypoint],
    Cmd: ["--user-uid", String(uids.user), "--kerneld-uid", String(uids.kerneld)],
    User: "0:0",
    WorkingDir: "/",
    Hostname: "sandbox",
    Labels: plan.labels,
    AttachStdout: true,
    AttachStderr: true,
    StopSignal: "SIGKILL",
    Healthcheck: { Test: ["NONE"] },
    HostConfig: hostConfig,
  };
}

function resources({ limits, ociRuntime }: ContainerPlan): Docker.HostConfig {
  const { pids } = limits;
  const inside = ociRuntime?.gvisor === true;
  return {
    ...(limits.memoryBytes !== null && {
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
    }),
    ...(pids !== null && { PidsLimit: inside ? pids * HOST_TASKS_PER_PROCESS : pids }),
    ...(limits.cpu !== null && { NanoCpus: Math.round(limits.cpu * 1e9) }),
    // The weight of one CPU when the machine is busy.
    CpuShares: Math.round(1024 * Math.min(limits.cpu ?? 1, 1)),
    // The host's own out-of-memory killer takes sandboxes first.
    OomScoreAdj: 500,
    Ulimits: [
      // 1, not 0: a core_pattern that is a pipe is run, as the host's root, at 0 but not at 1 (core(5)).
      { Name: "core", Soft: 1, Hard: 1 },
      { Name: "nofile", Soft: 4096, Hard: 4096 },
      // Counted by gVisor for the sandbox's own user alone. Elsewhere it would count for the host's user of that id.
      ...(pids !== null && inside
        ? [{ Name: "nproc", Soft: usersTasks(pids), Hard: usersTasks(pids) }]
        : []),
    ],
  };
}

function tmpfs({ uids, limits, workspaceVolume }: ContainerPlan): Record<string, string> {
  const sized = (bytes: number): string =>
    `size=${bytes},nr_inodes=${inodesFor(bytes)},nosuid,nodev`;
  return {
    "/run/kerneld": `uid=${uids.kerneld},gid=${uids.kerneld},mode=0700,noexec,${sized(limits.tmpfs.kerneld)}`,
    "/run/kernels": `uid=${uids.user},gid=${uids.kerneld},mode=2750,noexec,${sized(limits.tmpfs.kernels)}`,
    // Compiled parts of Python packages are loaded from these two.
    "/tmp": `mode=1777,exec,${sized(limits.tmpfs.tmp)}`,
    ...(!workspaceVolume && { "/workspace": `mode=1777,exec,${sized(limits.tmpfs.workspace)}` }),
    "/dev/shm": `mode=1777,noexec,${sized(limits.tmpfs.shm)}`,
  };
}

function mounts(plan: ContainerPlan): Docker.MountSettings[] {
  const readOnly = (source: string, target: string): Docker.MountSettings => ({
    Type: "bind",
    Source: source,
    Target: target,
    ReadOnly: true,
    BindOptions: { Propagation: "rprivate" },
  });
  return [
    readOnly(plan.linkDirectory, "/run/kerneld/link"),
    readOnly(plan.passwdFile, "/etc/passwd"),
    readOnly(plan.groupFile, "/etc/group"),
    ...(plan.workspaceVolume
      ? [
          {
            Type: "volume" as const,
            Source: plan.name,
            Target: "/workspace",
            VolumeOptions: {
              NoCopy: false,
              Labels: plan.labels,
              DriverConfig: { Name: "local", Options: { size: String(plan.limits.diskBytes) } },
            },
          },
        ]
      : []),
  ];
}
