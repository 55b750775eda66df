import type { Machine } from "../runtimes/local/machine.js";
import { enforced, lacking, type Finding } from "./finding.js";

const CRASHES = { name: "core_pattern", title: "Crash handler" };
const MERGING = { name: "page_merging", title: "Memory merging" };

/** Settings of a kernel that weaken sandboxes, whatever makes them; null where that kernel cannot be looked at. */
export function machineFindings(
  machine: Pick<Machine, "corePattern" | "mergesPages" | "kernel"> | null,
): Finding[] {
  if (!machine) return [crashesUnknown(), mergingUnknown()];
  return [crashFinding(machine.corePattern), mergingFinding(machine.mergesPages)];
}

function crashFinding(pattern: string | null): Finding {
  if (pattern === null) return crashesUnknown();
  if (!pattern.startsWith("|")) {
    return enforced(CRASHES, "A crash starts no program outside of a sandbox.");
  }
  const handler = pattern.slice(1).trim().split(/\s/)[0] ?? "";
  return lacking(CRASHES, {
    status: "partial",
    what:
      `When a program crashes, this machine starts ${printable(handler)} as root and hands it the program's memory. ` +
      "Sandboxes have a limit that keeps their crashes from doing so; it is the only thing that does.",
    remedy:
      "On a machine that runs strangers' code, let crashes start nothing. The second command keeps it so over a " +
      "restart, unless a service for crash reports (apport, systemd-coredump) sets it again.",
    commands: [
      "sudo sysctl -w kernel.core_pattern=core",
      "echo kernel.core_pattern=core | sudo tee /etc/sysctl.d/99-core-pattern.conf",
    ],
  });
}

const crashesUnknown = (): Finding =>
  lacking(CRASHES, {
    status: "unknown",
    what: "What the kernel that runs sandboxes does about crashed programs cannot be read from here.",
    remedy: "On the machine that runs them, see that this setting does not begin with `|`.",
    commands: ["sysctl kernel.core_pattern"],
  });

function mergingFinding(merges: boolean | null): Finding {
  // Kernels without it do not have its files.
  if (merges !== true) return enforced(MERGING, "Equal memory is not merged (KSM is off).");
  return lacking(MERGING, {
    status: "partial",
    what:
      "Equal pages of memory are merged (KSM is on): from how long a write takes, a program can tell what others have " +
      "in memory. Sandboxes may not offer their memory for it; virtual machines on this one usually do.",
    remedy: "Switch it off, and see that no service (ksmtuned) switches it on again.",
    commands: ["echo 2 | sudo tee /sys/kernel/mm/ksm/run"],
  });
}

const mergingUnknown = (): Finding =>
  lacking(MERGING, {
    status: "unknown",
    what: "Whether equal pages of memory are merged (KSM) cannot be read from here.",
    remedy: "On the machine that runs sandboxes, see that this file does not hold 1.",
    commands: ["cat /sys/kernel/mm/ksm/run"],
  });

/** Settings may hold any bytes. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, "?").slice(0, 120);
