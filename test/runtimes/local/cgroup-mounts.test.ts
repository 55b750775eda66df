import { describe, expect, test } from "vitest";
import { cgroupDirectory, cgroupMounts } from "../../../src/runtimes/local/cgroup-mounts.js";
import { coveredProc, parseMounts } from "../../../src/runtimes/local/mounts.js";

const MOUNTS = `22 27 0:21 / /proc rw,relatime - proc proc rw
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
36 31 0:33 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
50 27 8:1 / /mnt/with\\040space rw - ext4 /dev/sda rw
`;

describe("mounts", () => {
  test("have their names without escapes", () => {
    expect(parseMounts(MOUNTS).at(-1)?.mountPoint).toBe("/mnt/with space");
  });

  test("of cgroups are those with a controller that counts or limits", () => {
    expect(cgroupMounts(MOUNTS)).toEqual([
      {
        version: 1,
        controllers: ["cpu", "cpuacct"],
        root: "/",
        mountPoint: "/sys/fs/cgroup/cpu,cpuacct",
      },
      {
        version: 1,
        controllers: ["memory"],
        root: "/docker/abc",
        mountPoint: "/sys/fs/cgroup/memory",
      },
      { version: 2, controllers: [], root: "/", mountPoint: "/sys/fs/cgroup/unified" },
    ]);
  });
});

describe("the directory of a cgroup", () => {
  const mount = (root: string) => ({
    version: 2 as const,
    controllers: [],
    root,
    mountPoint: "/sys/fs/cgroup",
  });

  test.each([
    ["/", "/", "/sys/fs/cgroup"],
    ["/", "/user.slice/a", "/sys/fs/cgroup/user.slice/a"],
    ["/docker/abc", "/docker/abc", "/sys/fs/cgroup"],
    ["/docker/abc", "/docker/abc/d", "/sys/fs/cgroup/d"],
    ["/docker/abc", "/docker/abcd", "/sys/fs/cgroup"],
    ["/docker/abc", "/", "/sys/fs/cgroup"],
    ["/", "/../outside", "/sys/fs/cgroup"],
  ])("mounted from %s, %s is %s", (root, path, directory) => {
    expect(cgroupDirectory(mount(root), path)).toBe(directory);
  });
});

describe("/proc", () => {
  test("is whole where nothing is mounted below, or only on the kernel's empty places", () => {
    expect(coveredProc(MOUNTS)).toEqual([]);
    const binfmt = "60 22 0:40 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw\n";
    expect(coveredProc(MOUNTS + binfmt)).toEqual([]);
  });

  test("is covered by any other mount", () => {
    const masked = "60 22 0:40 / /proc/kcore rw - tmpfs tmpfs rw\n";
    expect(coveredProc(MOUNTS + masked)).toEqual(["/proc/kcore"]);
  });

  test("is whole if one of several is", () => {
    const masked = "60 22 0:40 / /proc/kcore rw - tmpfs tmpfs rw\n";
    const another = "61 22 0:21 / /mnt/proc rw - proc proc rw\n";
    expect(coveredProc(MOUNTS + masked + another)).toEqual([]);
  });
});
