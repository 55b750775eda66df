import { access } from "node:fs/promises";
import { version } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openLaboratory, type Laboratory, type RuntimeUnderTest } from "./harness.js";

/** Each test shows one protection with the strongest identity that it must hold. */
export function describeIsolation(underTest: RuntimeUnderTest): void {
  let laboratory: Laboratory;
  beforeAll(async () => {
    laboratory = await openLaboratory(underTest);
  });
  afterAll(() => laboratory.close());

  describe("isolation", () => {
    test("the root file system is read-only, for the start identity too", async ({ signal }) => {
      const { said } = await laboratory.run(
        `for path in ("/made", "/etc/made", "/usr/made", "/opt/hotcell/made"):
    say(attempt(open, path, "w"))`,
        signal,
        { side: "start" },
      );
      for (let count = 0; count < 4; count += 1) expect(await said()).toBe("EROFS");
    });

    test("there is no network interface but the loopback, and no way out", async ({ signal }) => {
      const { said } = await laboratory.run(
        `import socket
say([name for _, name in socket.if_nameindex()])
say(attempt(socket.socket().connect, ("192.0.2.1", 80)))
say(attempt(socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect, ("192.0.2.1", 53)))`,
        signal,
      );
      expect(await said()).toEqual(["lo"]);
      expect(await said()).toMatch(/^E(NET|HOST)UNREACH$/);
      expect(await said()).toMatch(/^E(NET|HOST)UNREACH$/);
    });

    test("name servers of the host are not shown", async ({ signal }) => {
      const { said } = await laboratory.run(
        `say([line.split()[1] for line in open("/etc/resolv.conf") if line.startswith("nameserver")])`,
        signal,
      );
      expect(["127.0.0.1", undefined]).toContain(((await said()) as string[])[0]);
    });

    test("the start identity has what it needs, and nothing else", async ({ signal }) => {
      const { said } = await laboratory.run(capabilities, signal, { side: "start" });
      const { bounding, effective } = (await said()) as Record<string, string[]>;
      expect(bounding).toEqual(underTest.startCapabilities);
      expect(effective).toEqual(bounding);
    });

    test("the user side has no capability, and no program gives it one", async ({ signal }) => {
      const { said } = await laboratory.run(capabilities, signal);
      expect(await said()).toMatchObject({
        effective: [],
        permitted: [],
        inheritable: [],
        ambient: [],
        noNewPrivileges: 1,
      });
    });

    test("system calls are filtered, or the sandbox says that they are not", async ({ signal }) => {
      const { sandbox, said } = await laboratory.run(
        `say([line.split()[1] for line in open("/proc/self/status") if line.startswith("Seccomp:")])
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER = 0x10000000
say([libc.unshare(CLONE_NEWUSER), ctypes.get_errno()])`,
        signal,
      );
      const { protections, missing } = sandbox.isolation;
      const filtered = protections.includes("seccomp");
      expect(await said()).toEqual([filtered ? "2" : "0"]);
      if (filtered) expect(await said()).toEqual([-1, EPERM]);
      else {
        // gVisor filters only where its flags tell it to.
        expect(underTest.tier).toBe("strong");
        expect(missing.map(({ name }) => name)).toContain("seccomp");
      }
    });

    test("the user side has a name and a home in the workspace", async ({ signal }) => {
      const { sandbox, said } = await laboratory.run(
        `import grp, os, pwd
entry = pwd.getpwuid(os.getuid())
say([entry.pw_name, entry.pw_dir, entry.pw_uid, grp.getgrgid(os.getgid()).gr_name])`,
        signal,
      );
      expect(await said()).toEqual(["user", "/workspace", sandbox.uids.user, "user"]);
    });

    test("what names the user ids is read-only, for the start identity too", async ({ signal }) => {
      const { said } = await laboratory.run(
        `for path in ("/etc/passwd", "/etc/group"): say(attempt(open, path, "a"))`,
        signal,
        { side: "start" },
      );
      // With remapped user ids the files belong to nobody there.
      expect(await said()).toMatch(/^(EROFS|EACCES)$/);
      expect(await said()).toMatch(/^(EROFS|EACCES)$/);
    });

    test("kerneld's directory and link are out of the user side's reach", async ({ signal }) => {
      const { said } = await laboratory.run(
        `import os, socket
names = []
refused = attempt(lambda: names.extend(os.listdir("/run/kerneld")))
say(names if refused == "done" else refused)
say(attempt(os.listdir, "/run/kerneld/link"))
say(attempt(socket.socket(socket.AF_UNIX).connect, "/run/kerneld/link/gateway.sock"))
say(attempt(os.chmod, "/run/kerneld", 0o777))`,
        signal,
      );
      // Out of reach by its mode, or because the user side has an empty directory there.
      expect(["EACCES", []]).toContainEqual(await said());
      for (let count = 0; count < 2; count += 1) {
        expect(["EACCES", "ENOENT"]).toContain(await said());
      }
      expect(["EPERM", "EROFS"]).toContain(await said());
    });

    test("kerneld has its own directory, and the link's is read-only", async ({ signal }) => {
      const { said } = await laboratory.run(
        `import os
say(attempt(open, "/run/kerneld/journal", "w"))
say(attempt(open, "/run/kerneld/link/made", "w"))
say(attempt(os.unlink, "/run/kerneld/link/gateway.sock"))`,
        signal,
        { side: "kerneld", linkMode: 0o777 },
      );
      expect(await said()).toBe("done");
      expect([await said(), await said()]).toEqual(["EROFS", "EROFS"]);
    });

    test("the user side makes sockets where kerneld may enter by its group", async ({ signal }) => {
      const { sandbox, said } = await laboratory.run(
        `import os
say(attempt(os.mkdir, "/run/kernels/k", 0o750))
status = os.stat("/run/kernels/k")
say([status.st_uid, status.st_gid])`,
        signal,
      );
      expect(await said()).toBe("done");
      const { user, kerneld } = sandbox.uids;
      // With one id for both, each side sees what belongs to either as its own.
      expect(await said()).toEqual([user, underTest.sidesHaveOwnIds ? kerneld : user]);
    });

    test("two sandboxes share no user id, shared memory or files", async ({ signal }) => {
      const look = `import glob, os
say([os.getuid(), sorted(glob.glob("/dev/shm/*") + glob.glob("/tmp/mark-*") + glob.glob("/workspace/mark-*"))])`;
      const first = await laboratory.run(
        `for place in ("/dev/shm", "/tmp", "/workspace"): open(f"{place}/mark-first", "w").close()
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
IPC_CREAT = 0o1000
say(libc.shmget(4711, 4096, IPC_CREAT | 0o666) >= 0)
import time
time.sleep(1000)`,
        signal,
      );
      expect(await first.said()).toBe(true);
      const second = await laboratory.run(
        `${look}
import ctypes
say(ctypes.CDLL(None).shmget(4711, 4096, 0))
import time
time.sleep(1000)`,
        signal,
      );
      expect(await second.said()).toEqual([second.sandbox.uids.user, []]);
      expect(await second.said()).toBe(-1);
      const ids = await Promise.all(
        [first, second].map(({ sandbox }) => underTest.hostIds(sandbox)),
      );
      expect(new Set(ids.flat()).size).toBe(ids.flat().length);
      await expect(access("/dev/shm/mark-first")).rejects.toThrow("ENOENT");
    });

    test("processes of the host and of other sandboxes are not there", async ({ signal }) => {
      const { said } = await laboratory.run(
        `import os
say(sorted(int(name) for name in os.listdir("/proc") if name.isdecimal())[0])
say(len([name for name in os.listdir("/proc") if name.isdecimal()]))
say(attempt(os.kill, ${process.pid}, 0))`,
        signal,
      );
      expect(await said()).toBe(1);
      expect(await said()).toBe(2);
      expect(await said()).toBe("ESRCH");
    });

    test("the place in the host's cgroups is not shown", async ({ signal }) => {
      const { said } = await laboratory.run(
        `say(sorted({line.rstrip().split(":")[2] for line in open("/proc/self/cgroup")} - {"/"}))`,
        signal,
      );
      expect(await said()).toEqual([]);
    });

    test("nothing of the gateway stands in the environment", async ({ signal }) => {
      const { sandbox, said } = await laboratory.run(`import os; say(dict(os.environ))`, signal);
      const environment = JSON.stringify(await said());
      expect(environment).not.toContain(sandbox.sandboxId);
      expect(environment).not.toContain(laboratory.home.id);
      expect(environment).not.toContain(laboratory.home.directory);
    });

    test("core dumps are off, for a core_pattern that is a pipe too", async ({ signal }) => {
      const { said } = await laboratory.run(
        `import resource; say(resource.getrlimit(resource.RLIMIT_CORE))`,
        signal,
      );
      expect(await said()).toEqual([1, 1]);
    });

    test("the tiers that are claimed are there, and each has the kernel that it says", async ({
      signal,
    }) => {
      await laboratory.runtime.probe({ signal });
      const { isolationTiers } = laboratory.runtime.capabilities;
      expect(isolationTiers).toEqual(
        underTest.tier === "strong" ? ["standard", "strong"] : ["standard"],
      );
      const code = "import os; say(os.uname().version)";
      for (const isolation of isolationTiers) {
        const { sandbox, said } = await laboratory.run(code, signal, { isolation });
        const { tier, protections } = sandbox.isolation;
        expect(tier).toBe(isolation);
        expect(protections.includes("guest_kernel")).toBe(isolation === "strong");
        expect((await said()) === version()).toBe(isolation === "standard");
      }
    });

    test.skipIf(underTest.tier === "strong")(
      "a tier that is not there is refused",
      async ({ signal }) => {
        await expect(laboratory.run("", signal, { isolation: "strong" })).rejects.toMatchObject({
          code: "isolation_unavailable",
        });
        expect(await underTest.traces(laboratory.home)).toEqual([]);
      },
    );
  });
}

const EPERM = 1;

// The last two are asked for by prctl(2): gVisor's /proc/self/status lacks them, and its kernel has no ambient set.
const capabilities = `import ctypes
PR_GET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET = 39, 47, 1
prctl = ctypes.CDLL(None).prctl
names = {5: "KILL", 6: "SETGID", 7: "SETUID", 8: "SETPCAP"}
named = lambda bits: [names.get(bit, bit) for bit in bits]
fields = dict(line.split(":", 1) for line in open("/proc/self/status"))
decode = lambda field: named(bit for bit in range(64) if int(fields[field], 16) >> bit & 1)
say({"bounding": decode("CapBnd"), "effective": decode("CapEff"), "permitted": decode("CapPrm"),
     "inheritable": decode("CapInh"),
     "ambient": named(bit for bit in range(64) if prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, bit, 0, 0) == 1),
     "noNewPrivileges": prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)})`;
