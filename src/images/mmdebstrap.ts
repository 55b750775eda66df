import { access } from "node:fs/promises";
import { constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Writable } from "node:stream";
import { aptProgress } from "./apt-progress.js";
import { runChildProcess } from "./child-process.js";
import type { OnImageProgress } from "./image-progress.js";

const PACKAGES = ["mmdebstrap", "debian-archive-keyring", "gpg", "mount"];
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

interface MmdebstrapOptions {
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
  const { suite, packages, workDirectory, onProgress, signal } = options;
  const followApt = aptProgress(onProgress);
  await runChildProcess("mmdebstrap", mmdebstrapArguments(suite, packages), {
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
 * @throws Error that says which command installs them.
 */
export async function ensureMmdebstrap(
  onProgress: OnImageProgress,
  signal: AbortSignal,
): Promise<void> {
  if ((await onPath("mmdebstrap")) && (await exists(KEYRING))) return;
  const install = ["install", "--yes", "--no-install-recommends", ...PACKAGES];
  if (!(await onPath("apt-get")))
    throw new Error(
      "the image is built from Debian packages by mmdebstrap, which is not installed, and this system has no " +
        "apt-get to install it with; build it on a Debian or Ubuntu system or where a registry answers",
    );
  if (process.getuid?.() !== 0)
    throw new Error(
      `the image is built from Debian packages by mmdebstrap, which is not installed; run: ` +
        `sudo apt-get install ${PACKAGES.join(" ")}`,
    );
  onProgress({ step: "installing mmdebstrap", detail: `apt-get install ${PACKAGES.join(" ")}` });
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await runChildProcess("apt-get", ["update"], { signal, env });
  await runChildProcess("apt-get", install, { signal, env });
}

async function onPath(program: string): Promise<boolean> {
  const directories = (process.env.PATH ?? "").split(delimiter).filter((part) => part !== "");
  const found = await Promise.all(directories.map((directory) => exists(join(directory, program))));
  return found.includes(true);
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
