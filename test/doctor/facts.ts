import type { DockerFacts } from "../../src/doctor/docker-findings.js";
import type { Facts } from "../../src/doctor/diagnosis.js";
import { engineDetails } from "../../src/doctor/engine-details.js";
import type { ImageFacts } from "../../src/doctor/image-facts.js";
import type { LocalFacts } from "../../src/doctor/local-findings.js";
import type { StartFacts } from "../../src/doctor/start-facts.js";
import type { Trial } from "../../src/doctor/trial.js";
import type { Machine } from "../../src/runtimes/local/machine.js";
import type { Isolation, RuntimeName } from "../../src/runtimes/runtime.js";

/** A machine on which everything is as it should be. */
export const ableMachine: Machine = {
  platform: "linux",
  architecture: "x64",
  kernel: "6.15.3-amd64",
  cpus: 4,
  isRoot: true,
  cgroups: { versions: [2], places: [], missing: {}, swap: true },
  userNamespacesForbiddenBy: null,
  coveredProc: [],
  seccomp: true,
  landlock: true,
  corePattern: "core",
  mergesPages: false,
  swap: false,
  inotifyInstances: 128,
  inotifyWatches: 100_000,
  maxUserNamespaces: 65_536,
};

const EVERYTHING: Isolation = {
  tier: "standard",
  protections: ["no_network", "seccomp", "landlock", "user_namespace", "memory_limit"],
  missing: [],
};

export const trial = (runtime: RuntimeName, isolation: Partial<Isolation> = {}): Trial => ({
  report: {
    runtime,
    version: runtime === "docker" ? "Docker 28.0.0 on Debian, cgroup v2" : "Linux 6.15.3",
    endpoint: "here",
    capabilities: {
      pause: false,
      checkpoint: false,
      fork: false,
      diskQuota: "volume-quota",
      gpu: false,
      isolationTiers: ["standard"],
      separateSupervisor: true,
    },
    isolation: { ...EVERYTHING, ...isolation },
    linkProven: true,
  },
  refusal: null,
  link: { outcome: "proven" },
});

/** A runtime that refuses with this message. */
export const refusal = (message: string, cause: string | null = null): Trial => ({
  report: null,
  refusal: { message, cause },
  link: { outcome: "untried" },
});

export const image: ImageFacts = {
  name: "python",
  reference: "hotcell/python:0",
  isThere: true,
  freeBytes: 100 * 1024 ** 3,
  buildLacks: null,
};

/** What an engine answers to `GET /info`. */
export const info = {
  OSType: "linux",
  ServerVersion: "28.0.0",
  CgroupVersion: "2",
  KernelVersion: ableMachine.kernel,
  MemoryLimit: true,
  SwapLimit: true,
  PidsLimit: true,
  CpuCfsQuota: true,
  SecurityOptions: ["name=seccomp,profile=builtin", "name=apparmor", "name=rootless"],
  Runtimes: {
    runc: { path: "runc" },
    runsc: { path: "/usr/bin/runsc", runtimeArgs: ["--host-uds=open"] },
  },
};

export const dockerFacts = (
  changes: Partial<DockerFacts> = {},
  asked: object = {},
  runc = "1.3.3",
): DockerFacts => ({
  address: "unix:///var/run/docker.sock",
  trial: trial("docker"),
  engine: {
    details: engineDetails(
      { ...info, ...asked },
      { Components: [{ Name: "runc", Version: runc }] },
    ),
    image,
  },
  strongRuntime: null,
  ...changes,
});

export const localFacts = (changes: Partial<LocalFacts> = {}): LocalFacts => ({
  trial: trial("local"),
  image,
  ...changes,
});

export const startFacts: StartFacts = {
  home: "/home/ada/.hotcell",
  homeProblem: null,
  running: null,
  host: "127.0.0.1",
  port: 8788,
  portProblem: null,
};

/** Both runtimes work. */
export const facts = (changes: Partial<Facts> = {}): Facts => ({
  self: "hotcell",
  setting: "auto",
  choice: { runtime: "docker", why: null },
  start: startFacts,
  machine: ableMachine,
  docker: dockerFacts(),
  local: localFacts(),
  ...changes,
});
