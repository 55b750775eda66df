import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { DEFAULT_LIMITS } from "../../../src/runtimes/runtime.js";
import { recordEvents } from "./events.js";
import { openLaboratory, type Laboratory, type RuntimeUnderTest } from "./harness.js";

const MiB = 1024 ** 2;

export function describeLimits(underTest: RuntimeUnderTest): void {
  let laboratory: Laboratory;
  beforeAll(async () => {
    laboratory = await openLaboratory(underTest);
  });
  afterAll(() => laboratory.close());

  const onHostKernel = test.skipIf(underTest.tier === "strong");

  describe("limits", () => {
    test("memory: what takes more is killed, and reported", async ({ signal }) => {
      const events = recordEvents(laboratory.runtime);
      onTestFinished(() => events.close());
      const { sandbox, said } = await laboratory.run(
        `say("up")
hoard = [bytes(1) * 1048576 for _ in range(1024)]
say("had a GiB")`,
        signal,
        { limits: { memoryBytes: 192 * MiB } },
      );
      expect(await said()).toBe("up");
      // With gVisor its kernel is what the host ends, and with that the sandbox.
      if (underTest.tier === "standard") expect(await said()).toEqual({ status: -9 });
      expect(await events.first("oom", sandbox.sandboxId, signal)).toBeDefined();
      expect(await events.first("exited", sandbox.sandboxId, signal)).toMatchObject({
        exitCode: 137,
        signal: 9,
        oom: true,
      });
      expect(events.all.at(-1)?.type).toBe("exited");
    });

    onHostKernel(
      "memory: a later runtime does not take what was killed before for new",
      async ({ signal }) => {
        const events = recordEvents(laboratory.runtime);
        onTestFinished(() => events.close());
        const { sandbox } = await laboratory.run(
          `import os, time
if os.fork() == 0:
    hoard = [bytes(1) * 1048576 for _ in range(1024)]
os.wait()
time.sleep(1000)`,
          signal,
          { limits: { memoryBytes: 192 * MiB } },
        );
        await events.first("oom", sandbox.sandboxId, signal);
        await delay(1_000);
        const later = await openLaboratory(underTest, laboratory.home);
        onTestFinished(() => later.close());
        const heard = recordEvents(later.runtime);
        await later.runtime.list();
        await laboratory.runtime.destroy(sandbox.sandboxId);
        await heard.first("exited", sandbox.sandboxId, signal);
        const kills = heard.all.flatMap((event) => (event.type === "oom" ? event.agoMs : []));
        for (const agoMs of kills) expect(agoMs).toBeGreaterThan(900);
      },
    );

    test("processes: one more than the limit does not start", async ({ signal }) => {
      const { said } = await laboratory.run(
        `import os, time
count = 0
try:
    while count < 500:
        if os.fork() == 0:
            time.sleep(1000)
        count += 1
except BlockingIOError:
    pass
say(count)`,
        signal,
        { limits: { pids: 40 } },
      );
      // The first process and this one are two of them; a runtime may need a few for itself.
      const count = (await said()) as number;
      expect(count).toBeGreaterThanOrEqual(32);
      expect(count).toBeLessThanOrEqual(38);
    });

    test("cpu: a busy loop gets its share and no more", async ({ signal }) => {
      const { sandbox, said } = await laboratory.run(
        `import time
say("began")
began = time.monotonic()
while time.monotonic() - began < 1: pass
say("done")
time.sleep(1000)`,
        signal,
        { limits: { cpu: 0.2 } },
      );
      const measure = async (): Promise<{ used: number; at: number }> => {
        const { cpuMs } = await laboratory.runtime.usage(sandbox.sandboxId);
        return { used: cpuMs, at: performance.now() };
      };
      expect(await said()).toBe("began");
      const before = await measure();
      expect(await said()).toBe("done");
      const after = await measure();
      expect((after.used - before.used) / (after.at - before.at)).toBeLessThan(0.4);
    });

    test("memory-backed file systems have the sizes that are reported", async ({ signal }) => {
      const { sandbox, said } = await laboratory.run(
        `import os
sizes = {}
for path in ("/tmp", "/dev/shm", "/run/kerneld", "/run/kernels", "/workspace"):
    status = os.statvfs(path)
    sizes[path] = status.f_blocks * status.f_frsize
say(sizes)`,
        signal,
        { side: "kerneld" },
      );
      const { tmpfs, diskBytes } = sandbox.limits;
      expect(await said()).toEqual({
        "/tmp": tmpfs.tmp,
        "/dev/shm": tmpfs.shm,
        "/run/kerneld": tmpfs.kerneld,
        "/run/kernels": tmpfs.kernels,
        "/workspace": diskBytes,
      });
    });

    test("full file systems are an error, not the sandbox's end", async ({ signal }) => {
      const { sandbox, said } = await laboratory.run(
        `import errno
block = bytes(1048576)
for place in ("/workspace", "/tmp", "/dev/shm"):
    try:
        with open(f"{place}/full", "wb", buffering=0) as file:
            while file.write(block) == len(block): pass
            file.write(block)
    except OSError as error:
        say(errno.errorcode[error.errno])
say("alive")`,
        signal,
        { limits: { memoryBytes: 256 * MiB } },
      );
      expect([await said(), await said(), await said()]).toEqual(["ENOSPC", "ENOSPC", "ENOSPC"]);
      expect(await said()).toBe("alive");
      expect(await said()).toEqual({ status: 0 });
      const { tmpfs } = sandbox.limits;
      expect(Object.values<number>({ ...tmpfs }).reduce((sum, size) => sum + size, 0)).toBeLessThan(
        256 * MiB,
      );
    });

    // gVisor does not count the files of a tmpfs: there they end with the sandbox's memory.
    onHostKernel("files without content run out, too", async ({ signal }) => {
      const places = ["/tmp", "/dev/shm", "/run/kernels"];
      if (laboratory.runtime.capabilities.diskQuota === "tmpfs") places.push("/workspace");
      const { said } = await laboratory.run(
        `import errno
for place in ${JSON.stringify(places)}:
    try:
        for number in range(20000): open(f"{place}/{number}", "w").close()
        say("no end")
    except OSError as error:
        say(errno.errorcode[error.errno])`,
        signal,
        { limits: { memoryBytes: 256 * MiB } },
      );
      for (const place of places) expect([place, await said()]).toEqual([place, "ENOSPC"]);
    });

    test("programs are started from the workspace and /tmp alone", async ({ signal }) => {
      const { said } = await laboratory.run(
        `import os
for path in ("/workspace", "/tmp", "/dev/shm", "/run/kernels"):
    program = f"{path}/program"
    os.close(os.open(program, os.O_CREAT, 0o755))
    say(attempt(os.execv, program, [program]))`,
        signal,
      );
      // The file is empty, which is found out only where programs may be.
      for (const expected of ["ENOEXEC", "ENOEXEC", "EACCES", "EACCES"]) {
        expect(await said()).toBe(expected);
      }
    });

    // In gVisor statvfs(3) tells no flags.
    onHostKernel(
      "programs may be loaded from the workspace and /tmp, and nowhere set-uid",
      async ({ signal }) => {
        const { said } = await laboratory.run(
          `import os
flags = {"ST_NOSUID": os.ST_NOSUID, "ST_NODEV": os.ST_NODEV, "ST_NOEXEC": os.ST_NOEXEC}
for path in ("/workspace", "/tmp", "/dev/shm", "/run/kerneld", "/run/kernels"):
    say([name for name, bit in flags.items() if os.statvfs(path).f_flag & bit])`,
          signal,
          { side: "kerneld" },
        );
        const data = ["ST_NOSUID", "ST_NODEV"];
        const quota = laboratory.runtime.capabilities.diskQuota;
        expect(await said()).toEqual(quota === "tmpfs" ? data : expect.any(Array));
        expect(await said()).toEqual(data);
        for (let count = 0; count < 3; count += 1) {
          expect(await said()).toEqual([...data, "ST_NOEXEC"]);
        }
      },
    );

    test("without a request the defaults are in force", async ({ signal }) => {
      const { sandbox } = await laboratory.run("", signal);
      expect(sandbox.limits).toMatchObject({ ...DEFAULT_LIMITS, cpu: null, gpu: 0 });
      expect(sandbox.workspace.bytes).toBe(DEFAULT_LIMITS.diskBytes);
      expect(sandbox.workspace.kind).toBe(laboratory.runtime.capabilities.diskQuota);
      expect(sandbox.isolation.protections).toContain("memory_limit");
    });

    test.each([
      ["less memory than the sandbox's own parts need", { memoryBytes: 32 * MiB }],
      ["a GPU where there is none", { gpu: 1 }],
    ])("%s is refused, and nothing is left", async (_, limits) => {
      await expect(
        laboratory.run("", new AbortController().signal, { limits }),
      ).rejects.toMatchObject({ code: "limit_not_enforceable" });
      expect(await underTest.traces(laboratory.home)).toEqual([]);
    });

    test("a workspace that does not fit is refused with the numbers", async ({ signal }) => {
      if (laboratory.runtime.capabilities.diskQuota !== "tmpfs") return;
      await expect(
        laboratory.run("", signal, { limits: { memoryBytes: 256 * MiB, diskBytes: 1024 * MiB } }),
      ).rejects.toMatchObject({
        code: "limit_not_enforceable",
        message: expect.stringMatching(/268435456.*1073741824.*at least \d+/) as string,
      });
    });

    test("usage counts the work and the memory", async ({ signal }) => {
      const { sandbox, said } = await laboratory.run(
        `import time
hoard = bytes(1) * (64 * 1048576)
while time.process_time() < 0.3: pass
say("done")
time.sleep(1000)`,
        signal,
      );
      expect(await said()).toBe("done");
      const usage = await laboratory.runtime.usage(sandbox.sandboxId);
      expect(usage.cpuMs).toBeGreaterThanOrEqual(300);
      expect(usage.memoryBytes).toBeGreaterThan(64 * MiB);
      expect(usage.memoryBytes).toBeLessThan(96 * MiB);
      if (usage.memoryPeakBytes !== null) {
        expect(usage.memoryPeakBytes).toBeGreaterThanOrEqual(usage.memoryBytes);
      }
    });

    test("usage of a sandbox that has ended or never was is not found", async ({ signal }) => {
      const events = recordEvents(laboratory.runtime);
      onTestFinished(() => events.close());
      const { sandbox } = await laboratory.run("", signal);
      await events.first("exited", sandbox.sandboxId, signal);
      for (const id of [sandbox.sandboxId, "0".repeat(20)]) {
        await expect(laboratory.runtime.usage(id)).rejects.toMatchObject({
          code: "sandbox_not_found",
        });
      }
    });
  });
}
