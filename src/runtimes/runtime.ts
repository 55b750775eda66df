/**
 * The contract between the gateway and whatever makes sandboxes. A runtime makes, lists, watches and destroys
 * anonymous sandboxes and knows nothing of sessions, keys or Jupyter: identity, environment and files arrive later,
 * over the link that the sandbox dials. `test/runtimes/contract.ts` holds every runtime to what stands here.
 */

export { RuntimeError } from "./runtime-error.js";
export type { RuntimeErrorCode } from "./runtime-error.js";

export type RuntimeName = "docker" | "local" | "kubernetes";

/** `standard` shares the host's kernel; `strong` puts another kernel between the sandbox and the host. */
export type IsolationTier = "standard" | "strong";

/**
 * How a sandbox and the gateway find each other. `unix-dial`: the sandbox dials a Unix socket, on which the gateway
 * listens, in a host directory that is mounted into the sandbox.
 */
export type LinkTransport = "unix-dial";

/** Makes, lists, watches and destroys sandboxes. Every promise can reject with a `RuntimeError`. */
export interface Runtime {
  readonly name: RuntimeName;
  readonly transport: LinkTransport;
  /** What this runtime can do here; nothing is claimed before the first `probe`, `create` or `list`. */
  readonly capabilities: Capabilities;

  /**
   * Finds out what this machine can really do, by trying. With an image it also proves that a sandbox can dial a
   * socket in the runtime's home. Throws `runtime_unavailable` or `link_unavailable`, with a remedy, when no sandbox
   * could work here.
   */
  probe(options: ProbeOptions): Promise<RuntimeReport>;

  /**
   * Makes and starts a sandbox; resolves when its first process runs. When it rejects, also because of `signal`
   * (then with the signal's reason), nothing is left of the sandbox.
   */
  create(specification: SandboxSpecification, options: AbortOptions): Promise<Sandbox>;

  /** All sandboxes of this home, whichever process made them; those that `create` is just making are left out. */
  list(): Promise<SandboxSummary[]>;

  /**
   * Ends a sandbox at once and removes what belongs to it, except the link directory. Idempotent: resolves for ids
   * that are unknown, gone, or being removed by somebody else, always after the last trace has gone.
   * While `create` is making that sandbox, makes it fail first.
   */
  destroy(sandboxId: string): Promise<void>;

  /** What the sandbox has used so far, as its cgroup counts it. Throws `sandbox_not_found`. */
  usage(sandboxId: string): Promise<Usage>;

  /**
   * Calls `listener` with what happens to the sandboxes of this home, from now on and until the returned function is
   * called. Each sandbox is reported `exited` at most once, after any `oom`, and survives a restart of the engine or
   * a broken connection to it. Not reported: the end of a sandbox that this runtime destroys, or fails to create. An
   * event may precede the return of `create`. To miss nothing after a restart, watch first, then list.
   */
  watch(listener: (event: SandboxEvent) => void): () => void;

  /** Ends subscriptions and running calls. Sandboxes live on. Idempotent. */
  close(): Promise<void>;
}

export interface AbortOptions {
  signal: AbortSignal;
}

export interface ProbeOptions extends AbortOptions {
  /** The image with which the link is tried; without it that is left unproven. */
  image?: SandboxImage;
}

/** What to run. */
export interface SandboxImage {
  /** As the runtime names images: a Docker reference, or the directory of a root file system. */
  reference: string;
  /** The command line of the first process, to which `--user-uid U --kerneld-uid K` is added. */
  entrypoint: readonly [string, ...string[]];
  /** Path of a Python interpreter in the image, for the proof that its sandboxes can dial the gateway. */
  interpreter: string;
}

/** Limits that were asked for: a runtime enforces each of these or refuses. What is absent takes the default. */
export interface LimitRequest {
  /** The most CPUs that the sandbox may use, as a decimal fraction. By default all. */
  cpu?: number;
  /** Memory of all its processes and tmpfs, without swap. */
  memoryBytes?: number;
  /** Processes and threads. */
  pids?: number;
  /** Size of `/workspace`. */
  diskBytes?: number;
  /** Number of GPUs. */
  gpu?: number;
}

/** Limits of sandboxes for which nothing was asked. Where one cannot be enforced, the sandbox says so. */
export interface DefaultLimits {
  memoryBytes: number;
  pids: number;
  /** Shrinks to what fits where `/workspace` is in memory. */
  diskBytes: number;
}

export const DEFAULT_LIMITS: Readonly<DefaultLimits> = {
  memoryBytes: 2 * 1024 ** 3,
  pids: 256,
  diskBytes: 1024 ** 3,
};

/** Limits in force. `null` stands for a default that this machine cannot enforce, for `cpu` also: all CPUs. */
export interface EffectiveLimits {
  cpu: number | null;
  memoryBytes: number | null;
  pids: number | null;
  diskBytes: number;
  gpu: number;
  /** The sizes of the sandbox's memory-backed file systems, which count towards its memory. */
  tmpfs: TmpfsSizes;
}

/** Sizes in bytes. */
export interface TmpfsSizes {
  /** `/workspace`; 0 where it is a volume. */
  workspace: number;
  /** `/tmp`. */
  tmp: number;
  /** `/dev/shm`. */
  shm: number;
  /** `/run/kerneld`: kerneld's journal. */
  kerneld: number;
  /** `/run/kernels`: the kernels' sockets. */
  kernels: number;
}

export interface SandboxSpecification {
  /** 20 lower-case letters or digits, never used before. */
  sandboxId: string;
  image: SandboxImage;
  limits: LimitRequest;
  isolation: IsolationTier;
  /**
   * Absolute path of the host directory with `gateway.sock` in it, below `links/` in the home; the sandbox sees it
   * read-only as `/run/kerneld/link`. Its owner is the caller, who makes the socket mode 0666, the directory 0755, and
   * those between it and the home 0711 inside a home that is 0700: the sandbox dials as a user id of its own, which
   * the host does not know.
   */
  linkDirectory: string;
}

export interface Sandbox {
  readonly sandboxId: string;
  readonly isolation: Isolation;
  readonly limits: EffectiveLimits;
  readonly workspace: Workspace;
  readonly uids: UidPair;
  /** `cold`: with a first process of its own; `forked`: out of a process that has everything imported. */
  readonly startKind: "cold" | "forked";
  /** How long `create` took. */
  readonly startMs: number;
  /** Its first process as this machine numbers it, for measurement; null where the runtime does not know. */
  readonly hostPid: number | null;
  /**
   * The last 8 KiB that the first process printed, complete when its exit is reported: for diagnosis only, whoever
   * controls the sandbox writes it.
   */
  consoleTail(): string;
}

/** What holds the sandbox in, as really in force. */
export interface Isolation {
  tier: IsolationTier;
  protections: ProtectionName[];
  /** Protections of this runtime that this machine cannot give. */
  missing: MissingProtection[];
}

export interface MissingProtection {
  name: ProtectionName;
  /** Why it is missing and what brings it. */
  detail: string;
}

export type ProtectionName =
  | "no_network"
  | "read_only_root"
  | "capabilities_dropped"
  | "no_new_privileges"
  | "seccomp"
  | "landlock"
  | "apparmor"
  | "user_namespace"
  | "separate_supervisor"
  | "private_ipc"
  | "private_cgroup_namespace"
  | "memory_limit"
  | "swap_limit"
  | "pids_limit"
  | "cpu_limit"
  | "disk_limit"
  | "no_core_dumps"
  | "guest_kernel";

/** `/workspace`: on a file system with a quota, or in memory. */
export interface Workspace {
  kind: "volume-quota" | "tmpfs";
  bytes: number;
}

/** The two unprivileged identities inside a sandbox, as numbers that the sandbox itself sees. */
export interface UidPair {
  user: number;
  kerneld: number;
}

export interface SandboxSummary {
  sandboxId: string;
  /** `incomplete`: remains of a `create` or `destroy` that its process did not live to finish; destroy it. */
  state: "running" | "exited" | "incomplete";
}

export type SandboxEvent =
  /**
   * The kernel killed a process in the sandbox for want of memory; the sandbox itself may live on. `agoMs` tells how long
   * ago: a runtime that is new to a sandbox may first hear of what was before.
   */
  | { type: "oom"; sandboxId: string; agoMs: number }
  /**
   * The sandbox has ended; `destroy` is still to be called. `exitCode` is 128 + n after signal n, and null when the
   * sandbox disappeared unseen. `oom` tells whether want of memory is known to have killed anything in it.
   */
  | {
      type: "exited";
      sandboxId: string;
      exitCode: number | null;
      signal: number | null;
      oom: boolean;
    };

export interface Usage {
  cpuMs: number;
  /** Memory without page cache. */
  memoryBytes: number;
  /** The highest memory use so far, page cache included; null where the engine does not tell. */
  memoryPeakBytes: number | null;
}

/** What is true on this machine. */
export interface Capabilities {
  pause: boolean;
  checkpoint: boolean;
  fork: boolean;
  /** What holds the size of `/workspace`. */
  diskQuota: Workspace["kind"];
  gpu: boolean;
  isolationTiers: readonly IsolationTier[];
  /** Whether kerneld is out of the reach of user code. */
  separateSupervisor: boolean;
}

/** What a probe found. */
export interface RuntimeReport {
  runtime: RuntimeName;
  /** For people: the engine and its version. */
  version: string;
  /** For people: where the engine is. */
  endpoint: string;
  capabilities: Capabilities;
  /** What a sandbox of tier `standard` with default limits gets here. */
  isolation: Isolation;
  /** Whether it was proven that a sandbox can dial the gateway; false when the probe had no image. */
  linkProven: boolean;
}
