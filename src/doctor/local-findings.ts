import type { Machine } from "../runtimes/local/machine.js";
import type { FindingContext } from "./docker-findings.js";
import { enforced, lacking, sentence, type Finding } from "./finding.js";
import type { ImageFacts } from "./image-facts.js";
import { imageFinding, linkFinding } from "./image-findings.js";
import { isolationFindings, type Remedies } from "./isolation-findings.js";
import { landlockFinding } from "./landlock-finding.js";
import { limitNames } from "./limit-names.js";
import { machineFindings } from "./machine-findings.js";
import { PROTECTION_WORDS } from "./protection-words.js";
import type { Trial } from "./trial.js";

/** What is known of the runtime without a container engine here. */
export interface LocalFacts {
  trial: Trial;
  image: ImageFacts;
}

const KERNEL = { name: "kernel", title: "Linux kernel" };
const NAMESPACES = { name: "namespaces", title: "Namespaces" };
const PROC = { name: "proc", title: "Process list" };
const IDS = { name: "own_user_ids", title: "Own user ids" };
const CPU = { name: "cpu_limit", title: PROTECTION_WORDS.cpu_limit.title };
const DISK = { name: "disk_limit", title: PROTECTION_WORDS.disk_limit.title };
const GUEST = { name: "guest_kernel", title: PROTECTION_WORDS.guest_kernel.title };

export function localFindings({ trial, image }: LocalFacts, context: FindingContext): Finding[] {
  const { machine, self } = context;
  if (!machine) return [noLinux(trial)];
  const able = [kernelFinding(machine), namespaceFinding(machine), procFinding(machine)];
  if (!trial.report) {
    const told = able.some(({ blocks }) => blocks);
    return told ? able : [...able, refused(trial)];
  }
  const { isolation } = trial.report;
  const reported =
    trial.link.outcome === "proven" ? isolation.protections.includes("landlock") : null;
  const own = new Set<string>([CPU.name, DISK.name, GUEST.name, "landlock"]);
  const imageContext = { runtime: "local", self } as const;
  return [
    ...able,
    imageFinding(image, imageContext),
    linkFinding(trial.link, image, imageContext),
    idFinding(machine),
    ...isolationFindings(
      {
        tier: isolation.tier,
        protections: isolation.protections.filter((name) => !own.has(name)),
        missing: isolation.missing.filter(({ name }) => !own.has(name)),
      },
      remedies(machine, self),
    ),
    landlockFinding(machine, reported),
    cpuFinding(machine, self),
    enforced(DISK, "/workspace has a size; it is kept in memory."),
    cgroupFinding(machine, self),
    lacking(GUEST, {
      what: PROTECTION_WORDS.guest_kernel.missing,
      remedy:
        "This runtime cannot give it. For strangers' code use Docker with gVisor (see the runtime docker, or " +
        "https://gvisor.dev/docs/user_guide/install/).",
    }),
    ...machineFindings(machine),
  ];
}

const noLinux = (trial: Trial): Finding =>
  lacking(KERNEL, {
    what: sentence(
      trial.refusal?.message ?? `This runtime needs Linux, and this is ${process.platform}`,
    ),
    remedy: "Use a Docker engine (HOTCELL_RUNTIME=docker), or a machine with Linux.",
    blocks: true,
  });

const refused = ({ refusal }: Trial): Finding =>
  lacking(
    { name: "runtime", title: "Sandboxes" },
    {
      what: sentence(refusal?.message ?? "No sandbox can be made here"),
      remedy: "Remedy what is said there, or use a Docker engine (HOTCELL_RUNTIME=docker).",
      blocks: true,
    },
  );

function kernelFinding({ platform, architecture, kernel, seccomp }: Machine): Finding {
  if (platform !== "linux" || !["x64", "arm64"].includes(architecture)) {
    return lacking(KERNEL, {
      what: `This runtime needs Linux on x86-64 or 64-bit ARM, and this is ${platform} on ${architecture}.`,
      remedy: "Use a Docker engine (HOTCELL_RUNTIME=docker).",
      blocks: true,
    });
  }
  if (!seccomp) {
    return lacking(KERNEL, {
      what: `Linux ${kernel} cannot filter system calls (seccomp), so that sandboxes could do too much.`,
      remedy: "Take a kernel with CONFIG_SECCOMP_FILTER, as all large distributions have it.",
      blocks: true,
    });
  }
  return enforced(KERNEL, `${kernel} can do what is needed.`);
}

function namespaceFinding({ userNamespacesForbiddenBy: setting }: Machine): Finding {
  if (!setting) {
    return enforced(NAMESPACES, "Processes, mounts, network, users of its own.");
  }
  const allowed = setting.name === "user.max_user_namespaces" ? 65536 : 1 - setting.value;
  const file = "/etc/sysctl.d/99-hotcell.conf";
  return lacking(NAMESPACES, {
    what:
      `The kernel may not make user namespaces for this user (${setting.name} is ${setting.value}). They are what ` +
      "sandboxes of this runtime are made of.",
    remedy:
      "Allow them: the first command does until the machine starts anew, the second from then on. Or run Hotcell as " +
      "root, or use Docker.",
    commands: [
      `sudo sysctl -w ${setting.name}=${allowed}`,
      `echo ${setting.name}=${allowed} | sudo tee ${file}`,
    ],
    blocks: true,
  });
}

function procFinding({ coveredProc }: Machine): Finding {
  if (coveredProc.length === 0) {
    return enforced(PROC, "Each sandbox can have one of its own (/proc).");
  }
  return lacking(PROC, {
    what:
      `Parts of /proc are covered (${coveredProc.slice(0, 3).join(", ")}), as in a container. The kernel then gives ` +
      "sandboxes no list of processes of their own.",
    remedy:
      "Run Hotcell outside of the container. Or start that container with these options, which also let Hotcell make " +
      "namespaces:",
    commands: [
      "docker run --security-opt systempaths=unconfined --security-opt seccomp=unconfined ...",
    ],
    blocks: true,
  });
}

function idFinding({ isRoot }: Machine): Finding {
  if (isRoot) {
    return enforced(IDS, "Each sandbox has an id that nothing else has.");
  }
  return lacking(IDS, {
    status: "partial",
    what:
      "All sandboxes run with this user's id. They cannot see each other, but the kernel counts some things for them " +
      "together (open inotify watches, locked memory), so that one can use up what others need.",
    remedy:
      "For the code of several people, start Hotcell as root: then each sandbox gets a user id of its own.",
  });
}

const remedies = (machine: Machine, self: string): Remedies => {
  const delegate = delegation(machine, self);
  return {
    memory_limit: { remedy: sentence(machine.cgroups.missing.memory ?? ""), commands: delegate },
    swap_limit: {
      remedy:
        machine.cgroups.missing.memory !== undefined
          ? "With a memory limit (see there) comes this one."
          : machine.swap
            ? "Do without swap (the command, and its line in /etc/fstab), or add swapaccount=1 to the kernel's command line."
            : "Nothing as long as this machine has no swap. Otherwise add swapaccount=1 to the kernel's command line.",
      commands:
        machine.cgroups.missing.memory === undefined && machine.swap ? ["sudo swapoff --all"] : [],
    },
  };
};

/** An ordinary user's way to limits, where systemd gives them with cgroup v2. */
const delegation = ({ isRoot, cgroups }: Machine, self: string): string[] =>
  isRoot || !cgroups.versions.includes(2) || cgroups.versions.includes(1)
    ? []
    : [`systemd-run --user --scope -p Delegate=yes ${self} serve`];

function cpuFinding(machine: Machine, self: string): Finding {
  const reason = machine.cgroups.missing.cpu;
  if (reason === undefined) return enforced(CPU, PROTECTION_WORDS.cpu_limit.enforced);
  return lacking(CPU, {
    what: PROTECTION_WORDS.cpu_limit.missing,
    remedy: sentence(reason),
    commands: delegation(machine, self),
  });
}

function cgroupFinding(machine: Machine, self: string): Finding {
  const { versions, missing, swap } = machine.cgroups;
  const names = { name: "cgroups", title: "Resource control" };
  const mounted = versions.length === 0 ? "no cgroups" : `cgroup v${versions.join(" and v")}`;
  const real = limitNames({
    memory: missing.memory === undefined,
    swap: swap && missing.memory === undefined,
    pids: missing.pids === undefined,
    cpu: missing.cpu === undefined,
  });
  if (real.length >= 3 && missing.memory === undefined) {
    return enforced(names, `Real for ${real.join(", ")} (${mounted}).`);
  }
  const held =
    real.length === 0 ? "no limit by it is real" : `these limits are real: ${real.join(", ")}`;
  return lacking(names, {
    status: real.length === 0 ? "missing" : "partial",
    what:
      `This machine has ${mounted}, by which the kernel divides memory and CPUs, and ${held}. The number of processes ` +
      "is held by another limit in any case.",
    remedy: sentence(missing.memory ?? missing.cpu ?? missing.pids ?? ""),
    commands: delegation(machine, self),
  });
}
