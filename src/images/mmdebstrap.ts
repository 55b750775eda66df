import type { Writable } from "node:stream";
import { aptProgress } from "./apt-progress.js";
import { runChildProcess } from "./child-process.js";
import type { OnImageProgress } from "./image-progress.js";
import { PrerequisiteError } from "./prerequisite-error.js";
import { isReadable, onPath } from "./program-path.js";
import { checkSubordinateIds } from "./subordinate-ids.js";

const PACKAGES = ["mmdebstrap", "debian-archive-keyring", "gpg", "mount"];
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** How mmdebstrap becomes root of what it builds: it is, or it maps ids of the user's in a user namespace. */
export type MmdebstrapMode = "root" | "unshare";

interface MmdebstrapOptions {
  mode: MmdebstrapMode;
  suite: string;
  packages: readonly string[];
  /** Holds `overlay.tar`, for the root, and `definition.tar`, with `setup.sh`; mmdebstrap works in it. */
  workDirectory: string;
  onProgress: OnImageProgress;
  signal: AbortSignal;
}

/**
 * The command line of mmdebstrap: Debian's essential packages, apt and `packages` from its default mirror; the
 * overlay before the first package, so that dpkg follows the configuration in it, and `setup.sh` after the last.
 */
export function mmdebstrapArguments(suite: string, packages: readonly string[]): string[] {
  return [
    "--verbose",
    "--variant=apt",
    "--format=tar",
    `--include=${packages.join(",")}`,
    "--setup-hook=tar-in overlay.tar /",
    '--customize-hook=mkdir "$1/tmp/hotcell"',
    "--customize-hook=tar-in definition.tar /tmp/hotcell",
    '--customize-hook=chroot "$1" sh /tmp/hotcell/setup.sh /tmp/hotcell',
    '--customize-hook=rm -rf "$1/tmp/hotcell"',
    // mmdebstrap copies these from the machine it runs on.
    '--customize-hook=: >"$1/etc/resolv.conf"; : >"$1/etc/hostname"',
    suite,
    "-",
  ];
}

/** Makes a root file system and writes it to `output` as a tar archive, which it ends. */
export async function runMmdebstrap(output: Writable, options: MmdebstrapOptions): Promise<void> {
  const { mode, suite, packages, workDirectory, onProgress, signal } = options;
  const followApt = aptProgress(onProgress);
  await runChildProcess("mmdebstrap", [`--mode=${mode}`, ...mmdebstrapArguments(suite, packages)], {
    signal,
    cwd: workDirectory,
    env: { ...process.env, TMPDIR: workDirectory, SOURCE_DATE_EPOCH: undefined },
    stdout: output,
    onLine: (line) => {
      if (line.includes("setup.sh")) onProgress({ step: "preparing the root file system" });
      else if (line.startsWith("I: creating tarball")) onProgress({ step: "packing" });
      else followApt(line);
    },
  });
}

/**
 * Sees to it that mmdebstrap and Debian's keys are there: installs them where this is root on a system with apt.
 *
 * @returns the mode that works for this user.
 * @throws PrerequisiteError that says which command installs or allows what is missing.
 */
export async function ensureMmdebstrap(
  onProgress: OnImageProgress,
  signal: AbortSignal,
): Promise<MmdebstrapMode> {
  const mode = process.getuid?.() === 0 ? "root" : "unshare";
  await ensureInstalled(mode, onProgress, signal);
  if (mode === "unshare") await checkSubordinateIds();
  return mode;
}

async function ensureInstalled(
  mode: MmdebstrapMode,
  onProgress: OnImageProgress,
  signal: AbortSignal,
): Promise<void> {
  if ((await onPath("mmdebstrap")) && (await isReadable(KEYRING))) return;
  const install = ["install", "--yes", "--no-install-recommends", ...PACKAGES];
  if (!(await onPath("apt-get")))
    throw new PrerequisiteError(
      "the image is built from Debian packages by mmdebstrap, which is not installed, and this system has no " +
        "apt-get to install it with; build it on a Debian or Ubuntu system or where a registry answers",
    );
  if (mode !== "root")
    throw new PrerequisiteError(
      `the image is built from Debian packages by mmdebstrap, which is not installed; run: ` +
        `sudo apt-get install ${[...PACKAGES, "uidmap"].join(" ")}`,
    );
  onProgress({ step: "installing mmdebstrap", detail: `apt-get install ${PACKAGES.join(" ")}` });
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await runChildProcess("apt-get", ["update"], { signal, env });
  await runChildProcess("apt-get", install, { signal, env });
}
