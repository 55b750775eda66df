import type { ProtectionName } from "../runtimes/runtime.js";

interface ProtectionWords {
  title: string;
  /** What it means to have it. */
  enforced: string;
  /** What it means to be without it. */
  missing: string;
}

/** What the protections are for, for people who do not know them. */
export const PROTECTION_WORDS: Record<ProtectionName, ProtectionWords> = {
  no_network: {
    title: "No network",
    enforced: "A sandbox has no way to any network.",
    missing: "Code in a sandbox can reach the network, and this machine over it.",
  },
  read_only_root: {
    title: "Read-only system",
    enforced: "Only /workspace and /tmp can be written to.",
    missing: "Code can change the programs that later runs in its sandbox use.",
  },
  capabilities_dropped: {
    title: "No root powers",
    enforced: "No process in a sandbox has any of root's rights.",
    missing: "Processes in a sandbox keep parts of root's power.",
  },
  no_new_privileges: {
    title: "No new powers",
    enforced: "sudo and set-uid programs have no effect.",
    missing: "A set-uid program in a sandbox can gain root's power there.",
  },
  seccomp: {
    title: "System call filter",
    enforced: "Risky calls to the kernel are refused (seccomp).",
    missing:
      "Code can use rarely tested parts of the kernel, so a single flaw there may be enough to break out.",
  },
  landlock: {
    title: "Landlock",
    enforced: "A second lock on all files that are not its own.",
    missing:
      "A second lock on files is not there. The first one, read-only file systems, does not depend on it.",
  },
  apparmor: {
    title: "AppArmor",
    enforced: "More rules guard this machine's files.",
    missing:
      "A second set of rules for files is not there. The other protections do not depend on it.",
  },
  user_namespace: {
    title: "Root mapped away",
    enforced: "Root in a sandbox is an ordinary user outside.",
    missing:
      "Root inside a container is root of this machine. Sandboxes give root up when they start; whoever found a way to get it back would be stopped by fewer walls.",
  },
  separate_supervisor: {
    title: "Supervisor apart",
    enforced: "Code cannot touch the process that watches it.",
    missing:
      "Code can disturb the process that watches it: what it says about how a run ended is less sure.",
  },
  private_ipc: {
    title: "Own shared memory",
    enforced: "Shared with no other sandbox or program.",
    missing: "Sandboxes can exchange data through shared memory of the machine.",
  },
  private_cgroup_namespace: {
    title: "Own cgroup view",
    enforced: "A sandbox does not see the machine's cgroups.",
    missing: "A sandbox sees names of other cgroups of this machine.",
  },
  memory_limit: {
    title: "Memory limit",
    enforced: "Whoever takes too much is stopped, nobody else.",
    missing: "One sandbox can use up the memory of the whole machine.",
  },
  swap_limit: {
    title: "Swap limit",
    enforced: "Swap is no way around the memory limit.",
    missing:
      "Where this machine has swap, a sandbox can fill it beyond its memory limit, and slow everything down.",
  },
  pids_limit: {
    title: "Process limit",
    enforced: "Endless processes stop at the sandbox's limit.",
    missing: "One sandbox can start processes until nothing else on this machine can.",
  },
  cpu_limit: {
    title: "CPU limit",
    enforced: "Sessions can be held to a part of the CPUs.",
    missing: "A session that asks for a CPU limit is refused; one sandbox can use all CPUs.",
  },
  disk_limit: {
    title: "Disk limit",
    enforced: "Files cannot outgrow the sandbox's size.",
    missing: "One sandbox can fill the disk of this machine.",
  },
  no_core_dumps: {
    title: "No core dumps",
    enforced: "Crashes leave no copy of memory on the disk.",
    missing: "A crashed program may leave a copy of its memory on this machine.",
  },
  guest_kernel: {
    title: "Own kernel",
    enforced: "Sandboxes have a kernel of their own.",
    missing:
      "Sandboxes share this machine's kernel: a flaw in the kernel is a way out for them. For strangers' code that is the protection to add.",
  },
};
