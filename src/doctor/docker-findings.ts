import type { Machine } from "../runtimes/local/machine.js";
import { ociRuntimeFor } from "../runtimes/docker/oci-runtime.js";
import type { Isolation } from "../runtimes/runtime.js";
import type { EngineDetails } from "./engine-details.js";
import { enforced, lacking, sentence, type Finding } from "./finding.js";
import type { ImageFacts } from "./image-facts.js";
import { imageFinding, linkFinding } from "./image-findings.js";
import { isolationFindings, type Remedies } from "./isolation-findings.js";
import { limitNames } from "./limit-names.js";
import { machineFindings } from "./machine-findings.js";
import { PROTECTION_WORDS } from "./protection-words.js";
import { engineRelease, runcRelease } from "./release-findings.js";
import type { Trial } from "./trial.js";

/** What is known of the Docker runtime here. */
export interface DockerFacts {
  /** Where the engine is, or was looked for. */
  address: string;
  trial: Trial;
  /** Null where no engine answers. */
  engine: { details: EngineDetails; image: ImageFacts } | null;
  /** `docker.strong_runtime`, where it is set. */
  strongRuntime: string | null;
}

export interface FindingContext {
  /** How this program is called here. */
  self: string;
  /** This machine; null where it is not Linux. */
  machine: Machine | null;
}

const ENGINE = { name: "engine", title: "Docker engine" };
const CPU = { name: "cpu_limit", title: PROTECTION_WORDS.cpu_limit.title };
const DISK = { name: "disk_limit", title: PROTECTION_WORDS.disk_limit.title };
const GUEST = { name: "guest_kernel", title: PROTECTION_WORDS.guest_kernel.title };

export function dockerFindings(facts: DockerFacts, context: FindingContext): Finding[] {
  const { trial, engine } = facts;
  if (!trial.report || !engine) return [engineMissing(facts)];
  const { details, image } = engine;
  const { machine } = context;
  const imageContext = { runtime: "docker", self: context.self } as const;
  const isolation = withoutOwn(trial.report.isolation, details);
  return [
    enforced(ENGINE, `Docker ${details.facts.version} answers at ${facts.address}.`),
    imageFinding(image, imageContext),
    linkFinding(trial.link, image, imageContext),
    ...isolationFindings(isolation, remedies(details)),
    ...(details.selinux ? [selinux()] : []),
    cpuFinding(details),
    diskFinding(trial.report.capabilities.diskQuota, details),
    cgroupFinding(details),
    guestKernelFinding(facts.strongRuntime, details),
    engineRelease(details.facts.version),
    runcRelease(details.runc),
    // An engine in a virtual machine or elsewhere has another kernel.
    ...machineFindings(machine?.kernel === details.kernel ? machine : null),
  ];
}

function engineMissing({ address, trial: { refusal } }: DockerFacts): Finding {
  const message = refusal?.message ?? `The Docker engine at ${address} does not answer`;
  switch (refusal?.cause) {
    case "ENOENT":
      return lacking(ENGINE, {
        what: `No Docker engine is there: ${address} does not exist.`,
        remedy:
          "Only if you want Docker: install it (https://docs.docker.com/engine/install/), or start it. Where it is " +
          "elsewhere on this machine, set DOCKER_HOST.",
        commands: ["sudo systemctl start docker"],
        blocks: true,
      });
    case "ECONNREFUSED":
      return lacking(ENGINE, {
        what: `No Docker engine answers at ${address}: it is installed and does not run.`,
        remedy: "Start it; Docker Desktop starts it with its window.",
        commands: ["sudo systemctl start docker"],
        blocks: true,
      });
    case "EACCES":
      return lacking(ENGINE, {
        what: `A Docker engine is there, and this user may not use it (${address}).`,
        remedy:
          "Join the group docker, whose members can become root of this machine, and log in again; or use rootless " +
          "Docker (https://docs.docker.com/engine/security/rootless/).",
        commands: ['sudo usermod -aG docker "$USER"'],
        blocks: true,
      });
    default:
      return lacking(ENGINE, {
        what: sentence(message),
        remedy: "See that this command answers, and set DOCKER_HOST to what it uses.",
        commands: ["docker version"],
        blocks: true,
      });
  }
}

/** Without what is told here in more detail, and without what SELinux stands in for. */
function withoutOwn({ tier, protections, missing }: Isolation, details: EngineDetails): Isolation {
  const own = new Set<string>([CPU.name, DISK.name, GUEST.name]);
  if (details.selinux) own.add("apparmor");
  return {
    tier,
    protections: protections.filter((name) => !own.has(name)),
    missing: missing.filter(({ name }) => !own.has(name)),
  };
}

const selinux = (): Finding =>
  enforced({ name: "selinux", title: "SELinux" }, "More rules guard this machine's files.");

const remedies = ({ directory }: EngineDetails): Remedies => ({
  seccomp: {
    remedy:
      'Take "seccomp-profile": "unconfined" out of /etc/docker/daemon.json, and restart the engine. If it is not ' +
      "there, the kernel lacks CONFIG_SECCOMP_FILTER: take another kernel.",
    commands: ["sudo systemctl restart docker"],
  },
  apparmor: {
    remedy:
      "Where the kernel has AppArmor (Debian, Ubuntu, SUSE), install its tools and restart the engine. Other kernels " +
      "do without.",
    commands: ["sudo apt-get install apparmor", "sudo systemctl restart docker"],
  },
  user_namespace: {
    remedy:
      'Put "userns-remap": "default" into /etc/docker/daemon.json and restart the engine; it starts with an ' +
      `empty store then, and keeps the present images and containers in ${directory} for the way back. Or use rootless ` +
      "Docker (https://docs.docker.com/engine/security/rootless/).",
    commands: ["sudo systemctl restart docker"],
  },
  swap_limit: {
    remedy:
      "Do without swap (the command, and its line in /etc/fstab), or add swapaccount=1 to the kernel's command line " +
      "and start the machine anew.",
    commands: ["sudo swapoff --all"],
  },
});

function cpuFinding({ facts }: EngineDetails): Finding {
  if (facts.limits.cpu) return enforced(CPU, PROTECTION_WORDS.cpu_limit.enforced);
  return lacking(CPU, {
    what: PROTECTION_WORDS.cpu_limit.missing,
    remedy:
      "Take a kernel with CONFIG_CFS_BANDWIDTH; for a rootless engine, cgroup v2 with the controller cpu passed on " +
      "to users (https://rootlesscontaine.rs/getting-started/common/cgroup2/).",
  });
}

function diskFinding(quota: "volume-quota" | "tmpfs", { directory }: EngineDetails): Finding {
  if (quota === "volume-quota") {
    return enforced(DISK, "/workspace is on the disk and cannot outgrow its size.");
  }
  return lacking(DISK, {
    status: "partial",
    what:
      "/workspace cannot outgrow its size, but is kept in memory: large files count towards the sandbox's memory " +
      "limit.",
    remedy:
      `To have it on the disk, keep the engine's files (${directory}) on an XFS file system that is mounted with the ` +
      "option prjquota.",
  });
}

function cgroupFinding({ facts: { cgroupVersion, limits } }: EngineDetails): Finding {
  const names = { name: "cgroups", title: "Resource control" };
  const real = limitNames(limits);
  if (real.length === 4) {
    return enforced(names, `Real for memory, swap, processes, CPU (cgroup v${cgroupVersion}).`);
  }
  return lacking(names, {
    status: real.length === 0 ? "missing" : "partial",
    what: `With cgroup v${cgroupVersion}, the kernel's resource control, ${
      real.length === 0
        ? "no limit is"
        : `only these limits are real here: ${real.join(", ")}. The others are not`
    }${real.length === 0 ? " real here." : "."}`,
    remedy:
      "On a system with systemd, cgroup v2 has them all: add systemd.unified_cgroup_hierarchy=1 to the kernel's " +
      "command line and start the machine anew. A rootless engine needs them passed on to users " +
      "(https://rootlesscontaine.rs/getting-started/common/cgroup2/).",
  });
}

function guestKernelFinding(strongRuntime: string | null, { facts }: EngineDetails): Finding {
  try {
    const runtime = ociRuntimeFor("strong", strongRuntime ?? undefined, facts);
    const sessions = `For sessions with isolation \`strong\` (${runtime?.name ?? "the default"})`;
    if (runtime?.cgroups !== false) return enforced(GUEST, `${sessions}.`);
    return lacking(GUEST, {
      status: "partial",
      what: `${sessions}, which then have no limits for memory and CPU.`,
      remedy:
        "Take --ignore-cgroups out of its runtimeArgs in the engine's daemon.json, and reload the engine.",
      commands: ["sudo systemctl reload docker"],
    });
  } catch (error) {
    return lacking(GUEST, {
      what: PROTECTION_WORDS.guest_kernel.missing,
      remedy: `${sentence(error instanceof Error ? error.message : String(error))} gVisor: https://gvisor.dev/docs/user_guide/install/.`,
      commands: facts.ociRuntimes.has(strongRuntime ?? "runsc")
        ? ["sudo systemctl reload docker"]
        : ["sudo runsc install -- --host-uds=open", "sudo systemctl reload docker"],
    });
  }
}
