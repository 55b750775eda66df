import type { Machine } from "../runtimes/local/machine.js";
import { enforced, lacking, type Finding } from "./finding.js";
import { PROTECTION_WORDS } from "./protection-words.js";
import { isAtLeast, parseRelease, type Release } from "./release.js";

const LANDLOCK = { name: "landlock", title: PROTECTION_WORDS.landlock.title };

/** The kernels that brought each version of Landlock's interface (its ABI); landlock(7). */
const KERNELS: readonly Release[] = [
  [5, 13],
  [5, 19],
  [6, 2],
  [6, 7],
  [6, 10],
  [6, 12],
  [6, 15],
];

/** The version of Landlock's interface that a kernel of this release has, if it has any; 0 before the first. */
export function landlockAbi(kernel: string): number {
  const release = parseRelease(kernel) ?? [0];
  return KERNELS.filter((since) => isAtLeast(release, since)).length;
}

/**
 * Whether sandboxes are locked by Landlock. `reported` tells whether a sandbox has said so; null where none was made.
 */
export function landlockFinding(
  { kernel, landlock }: Pick<Machine, "kernel" | "landlock">,
  reported: boolean | null,
): Finding {
  const abi = landlockAbi(kernel);
  // Only the kernel itself could tell for sure, by a system call.
  const version = abi === 0 ? "" : ` Probably ABI ${abi}.`;
  const has = reported ?? landlock;
  if (has === true) {
    return enforced(LANDLOCK, `${PROTECTION_WORDS.landlock.enforced}${version}`);
  }
  if (has === null && abi > 0) {
    return lacking(LANDLOCK, {
      status: "unknown",
      what: `Linux ${kernel} probably has it (interface version ${abi}); the list of its security modules is not to be read here.`,
      remedy:
        "Build the image and ask again: the sandbox that is tried then says it. Or look at the list:",
      commands: [
        "sudo mount -t securityfs none /sys/kernel/security",
        "cat /sys/kernel/security/lsm",
      ],
    });
  }
  return lacking(LANDLOCK, {
    what: PROTECTION_WORDS.landlock.missing,
    remedy:
      abi === 0
        ? "Take Linux 5.13 or later."
        : "Add landlock to the front of the list `lsm=` in the kernel's command line, and start the machine anew; a kernel without CONFIG_SECURITY_LANDLOCK needs another one.",
    commands: abi === 0 ? [] : ["cat /sys/kernel/security/lsm"],
  });
}
