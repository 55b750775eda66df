import { describe, expect, test } from "vitest";
import { containerOptions, type ContainerPlan } from "../../../src/runtimes/docker/container.js";

const plan: ContainerPlan = {
  name: "hotcell-home-sandbox",
  labels: { "hotcell.home": "home" },
  image: { reference: "image", entrypoint: ["/kerneld"], interpreter: "/python3" },
  uids: { user: 20_000, kerneld: 20_001 },
  limits: {
    cpu: null,
    memoryBytes: null,
    pids: null,
    diskBytes: 2 ** 30,
    gpu: 0,
    tmpfs: { workspace: 0, tmp: 2 ** 20, shm: 2 ** 20, kerneld: 2 ** 20, kernels: 2 ** 20 },
  },
  workspaceVolume: true,
  ociRuntime: undefined,
  linkDirectory: "/links/sandbox",
  passwdFile: "/passwd",
  groupFile: "/group",
};

describe("the container of a sandbox", () => {
  test("has its workspace on a volume with a quota where there are such", () => {
    const host = containerOptions(plan).HostConfig;
    expect(host?.Tmpfs).not.toHaveProperty("/workspace");
    expect(host?.Mounts).toContainEqual({
      Type: "volume",
      Source: plan.name,
      Target: "/workspace",
      VolumeOptions: {
        NoCopy: false,
        Labels: plan.labels,
        DriverConfig: { Name: "local", Options: { size: "1073741824" } },
      },
    });
  });

  test("asks for no limit that the engine does not know", () => {
    const host = containerOptions(plan).HostConfig;
    for (const limit of ["Memory", "MemorySwap", "PidsLimit", "NanoCpus"]) {
      expect(host).not.toHaveProperty(limit);
    }
  });

  test("is told both user ids after the image's entrypoint", () => {
    const { Entrypoint, Cmd } = containerOptions(plan);
    expect([Entrypoint, Cmd]).toEqual([
      ["/kerneld"],
      ["--user-uid", "20000", "--kerneld-uid", "20001"],
    ]);
  });

  test("has the share of its CPU limit when the machine is busy, of one CPU at most", () => {
    const shares = (cpu: number | null) =>
      containerOptions({ ...plan, limits: { ...plan.limits, cpu } }).HostConfig?.CpuShares;
    expect([shares(null), shares(4), shares(0.5)]).toEqual([1024, 1024, 512]);
  });
});
