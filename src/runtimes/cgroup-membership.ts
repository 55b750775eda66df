/**
 * Reads `/proc/<pid>/cgroup` (cgroups(7), "/proc files"): the cgroup's path by controller (v1), and under the empty
 * name (v2).
 */
export function cgroupPaths(text: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.trim().split("\n")) {
    const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const controller of controllers.split(",")) paths.set(controller, path);
  }
  return paths;
}
