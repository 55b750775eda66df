import type { ContainerInspectInfo } from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../src/runtimes/runtime.js";
import { openLaboratory, type Laboratory } from "./contract/harness.js";
import { engine } from "./docker/traces.js";
import { dockerUnderTest } from "./docker/under-test.js";

const STAY = `
import time
time.sleep(1000)`;

/** Each test shows what the container holds its first process to, before that has given up anything itself. */
describe("a sandbox's container", () => {
  let laboratory: Laboratory;
  beforeAll(async () => {
    laboratory = await openLaboratory(dockerUnderTest());
  });
  afterAll(() => laboratory.close());

  /** What Python says as the identity that it is started with. */
  const say = async (code: string, signal: AbortSignal): Promise<unknown> =>
    (await laboratory.run(code, signal, { side: "start" })).said();

  test("has these mounts of ours, with these flags and bounds, each once", async ({ signal }) => {
    const said = await say(
      `OURS = ("/", "/tmp", "/workspace", "/dev/shm", "/etc/group", "/etc/passwd")
mounts = []
for line in open("/proc/self/mountinfo"):
    mount, _, source = line.rstrip().partition(" - ")
    place, flags, *propagation = mount.split()[4:]
    kind, _, options = source.split()
    flags = [flag for flag in flags.split(",") if flag in ("ro", "nosuid", "nodev", "noexec")]
    bounds = [option.partition("=")[0] for option in options.split(",")] if kind == "tmpfs" else []
    if place in OURS or place.startswith("/run/"):
        mounts.append([place, *flags, *(name for name in bounds if name in ("size", "nr_inodes"))])
say(sorted(mounts))`,
      signal,
    );
    const data = ["nosuid", "nodev"];
    const bounds = ["size", "nr_inodes"];
    expect(said).toEqual([
      ["/", "ro"],
      ["/dev/shm", ...data, "noexec", ...bounds],
      ["/etc/group", "ro"],
      ["/etc/passwd", "ro"],
      ["/run/kerneld", ...data, "noexec", ...bounds],
      ["/run/kerneld/link", "ro"],
      ["/run/kernels", ...data, "noexec", ...bounds],
      ["/tmp", ...data, ...bounds],
      ["/workspace", ...data, ...bounds],
    ]);
  });

  test("forbids new privileges and filters system calls", async ({ signal }) => {
    const said = await say(
      `status = dict(line.split(":", 1) for line in open("/proc/self/status"))
say([status["NoNewPrivs"].strip(), status["Seccomp"].strip()])`,
      signal,
    );
    expect(said).toEqual(["1", "2"]);
  });

  test("has parts of /proc and /sys read-only, and secrets in them covered", async ({ signal }) => {
    const said = await say(
      `import os
say([attempt(open, path, "w") for path in ("/proc/sys/kernel/domainname", "/proc/sysrq-trigger", "/sys/kernel/mm/ksm/run")]
    + [len(open(path).read()) for path in ("/proc/keys", "/proc/timer_list") if os.path.exists(path)])`,
      signal,
    );
    const refused: unknown = expect.stringMatching(/^(EROFS|EACCES|ENOENT)$/);
    const [sysctl, sysrq, ksm, ...covered] = said as unknown[];
    expect([sysctl, sysrq, ksm]).toEqual(["EROFS", refused, refused]);
    for (const length of covered) expect(length).toBe(0);
  });

  test("has no devices but the harmless ones, and can make none", async ({ signal }) => {
    const said = await say(
      `import os, stat
devices = [name for name in os.listdir("/dev") if not stat.S_ISDIR(os.stat(f"/dev/{name}").st_mode)]
say([sorted(name for name in devices if not os.path.islink(f"/dev/{name}")),
     attempt(os.mknod, "/tmp/device", 0o20600, os.makedev(1, 3))])`,
      signal,
    );
    const devices = ["full", "null", "random", "tty", "urandom", "zero"];
    expect(said).toEqual([devices, "EPERM"]);
  });

  test("names no server and no domain of the host's", async ({ signal }) => {
    const said = await say(
      `import os
say([line.split() for line in open("/etc/resolv.conf") if line.strip() and line[0] != "#"])`,
      signal,
    );
    expect(said).toEqual([["nameserver", "127.0.0.1"]]);
  });

  test("is described to the engine so", async ({ signal }) => {
    const { sandbox } = await laboratory.run(STAY, signal, { limits: { cpu: 0.5 } });
    const name = `hotcell-${laboratory.home.id}-${sandbox.sandboxId}`;
    const { HostConfig: host, Config: config } = (await engine
      .getContainer(name)
      .inspect()) as ContainerInspectInfo & { HostConfig: { CgroupnsMode: string } };
    expect(host).toMatchObject({
      Privileged: false,
      NetworkMode: "none",
      IpcMode: "none",
      CgroupnsMode: "private",
      PidMode: "",
      UTSMode: "",
      Dns: ["127.0.0.1"],
      DnsSearch: ["."],
      SecurityOpt: ["no-new-privileges"],
      LogConfig: { Type: "none" },
      RestartPolicy: { Name: "" },
      Memory: DEFAULT_LIMITS.memoryBytes,
      MemorySwap: DEFAULT_LIMITS.memoryBytes,
      PidsLimit: DEFAULT_LIMITS.pids,
      NanoCpus: 500_000_000,
      CpuShares: 512,
      OomScoreAdj: 500,
    });
    expect(host.Mounts?.map(({ ReadOnly: readOnly }) => readOnly)).toEqual([true, true, true]);
    expect(host.Binds ?? []).toEqual([]);
    expect(host.Devices ?? []).toEqual([]);
    expect(config).toMatchObject({ User: "0:0", AttachStdin: false, Tty: false, OpenStdin: false });
  });

  test("limits open files and core files", async ({ signal }) => {
    const said = await say(
      `import resource
say([resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CORE)])`,
      signal,
    );
    expect(said).toEqual([
      [4096, 4096],
      [1, 1],
    ]);
  });
});
