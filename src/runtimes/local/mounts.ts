/** One line of `/proc/<pid>/mountinfo` (proc_pid_mountinfo(5)). */
export interface Mount {
  /** The part of the file system that is at the mount point. */
  root: string;
  mountPoint: string;
  type: string;
  superOptions: string[];
}

export function parseMounts(mountinfo: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of mountinfo.split("\n")) {
    const [before, after] = line.split(" - ", 2);
    const [, , , root, mountPoint] = (before ?? "").split(" ");
    const [type, , superOptions] = (after ?? "").split(" ");
    if (!root || !mountPoint || !type) continue;
    mounts.push({
      root: unescape(root),
      mountPoint: unescape(mountPoint),
      type,
      superOptions: (superOptions ?? "").split(","),
    });
  }
  return mounts;
}

/** Spaces, tabs, newlines and backslashes stand there as three octal digits. */
const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));

/** Kernel's own empty mount points: what is mounted there hides nothing of `/proc`. */
const EMPTY_PLACES = new Set(["/sys/fs/binfmt_misc", "/fs/nfsd"]);

/**
 * What covers parts of `/proc`. The kernel lets a user namespace have a `/proc` of its own only where some whole one
 * is to be seen (mount_namespaces(7)); containers cover parts of theirs.
 */
export function coveredProc(mountinfo: string): string[] {
  const mounts = parseMounts(mountinfo);
  const wholes = mounts.filter(({ type, root }) => type === "proc" && root === "/");
  let covered: string[] = [];
  for (const { mountPoint } of wholes) {
    const below = mounts
      .map((mount) => mount.mountPoint)
      .filter((path) => path.startsWith(`${mountPoint}/`))
      .filter((path) => !EMPTY_PLACES.has(path.slice(mountPoint.length)));
    if (below.length === 0) return [];
    covered = below;
  }
  return covered;
}
