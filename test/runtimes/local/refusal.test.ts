import { describe, expect, test } from "vitest";
import { expectedIsolation, localIsolation } from "../../../src/runtimes/local/protections.js";
import { launchRefusal, refusalOf } from "../../../src/runtimes/local/refusal.js";

const able = {
  platform: "linux",
  architecture: "x64",
  kernel: "6.1.0",
  userNamespacesForbiddenBy: null,
  coveredProc: [],
  seccomp: true,
} as const;

describe("a machine", () => {
  test("that has what it takes is not refused", () => {
    expect(refusalOf(able)).toBeUndefined();
  });

  test.each([
    ["another system", { platform: "darwin" }, /docker/],
    [
      "a kernel without user namespaces",
      { userNamespacesForbiddenBy: { name: "kernel.unprivileged_userns_clone", value: 0 } },
      /sysctl -w kernel.unprivileged_userns_clone=1/,
    ],
    [
      "AppArmor's restriction",
      {
        userNamespacesForbiddenBy: {
          name: "kernel.apparmor_restrict_unprivileged_userns",
          value: 1,
        },
      },
      /sysctl -w kernel.apparmor_restrict_unprivileged_userns=0/,
    ],
    ["a covered /proc", { coveredProc: ["/proc/kcore"] }, /\/proc\/kcore.*systempaths=unconfined/],
    ["no seccomp", { seccomp: false }, /CONFIG_SECCOMP_FILTER/],
  ] as const)("with %s is refused with the remedy", (_, part, remedy) => {
    expect(refusalOf({ ...able, ...part })).toMatchObject({
      code: "runtime_unavailable",
      message: expect.stringMatching(remedy) as string,
    });
  });
});

describe("a launcher that met with", () => {
  test.each([
    [
      ...["no user namespaces", "user_namespaces_forbidden"],
      ...[
        "runtime_unavailable",
        /^The local runtime cannot work here: the reason.*As root, set user/,
      ],
    ],
    [
      ...["a covered /proc", "proc_masked"],
      ...["runtime_unavailable", /\(the reason\).*systempaths=unconfined/],
    ],
    [
      ...["a mount that is refused", "mount_refused"],
      ...["runtime_unavailable", /^The local runtime cannot work here: the reason/],
    ],
    [
      ...["half an image", "image_broken"],
      ...["image_missing", /\/image.*the reason.*hotcell images/],
    ],
  ])("%s is refused with the reason and the remedy", (_, said, code, message) => {
    expect(launchRefusal(said as string, "the reason", "/image")).toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });
});

describe("isolation", () => {
  const cgroups = { missing: { memory: "run it as root" }, swap: false };

  test("says what was granted, and of the rest why it is missing", () => {
    const { protections, missing } = localIsolation(["seccomp", "unheard_of"], cgroups, { cpu: 1 });
    expect(protections).toEqual(["seccomp", "disk_limit", "cpu_limit"]);
    expect(missing).toContainEqual({ name: "memory_limit", detail: "run it as root" });
    expect(missing.map(({ name }) => name)).toContain("landlock");
  });

  test("claims nothing that does not show before the first sandbox", () => {
    const { protections, missing } = expectedIsolation({ seccomp: true, landlock: null }, cgroups);
    expect(protections).not.toContain("landlock");
    expect(missing.find(({ name }) => name === "landlock")?.detail).toMatch(/not known/);
  });
});
