import { expect } from "vitest";
import type { Theme } from "./attack.js";

const refused = expect.stringMatching(/^E(ROFS|ACCES|PERM|NOENT|INVAL|NOTDIR)$/) as string;

const refusal = expect.toSatisfy((status: number) => status >= 400 && status < 500) as number;

/** What is not the session's own: read, and written to. */
export const files: Theme = {
  title: "files",
  attacks: [
    {
      name: "look through every directory for what another sandbox and the host have",
      code: `
found = []
for top in ("/", "/proc/self/root", "/proc/1/root"):
    for directory, below, names in os.walk(top):
        below[:] = [name for name in below if f"{directory}/{name}" not in ("//proc", "//sys")
                    and not directory.endswith("/proc")]
        found += [name for name in names + below if scene["mark"] in name]
report(found)`,
      reports: [],
    },
    {
      name: "open a file of the host by its path",
      code: `report([attempt(open, prefix + scene["host_file"]) for prefix in
    ("", "/proc/1/root", "/proc/self/root", "/proc/self/cwd/../../../../..")])`,
      reports: Array(4).fill(expect.stringMatching(/^E(NOENT|ACCES)$/)),
    },
    {
      name: "write outside of the workspace, directly, around a corner, and through a link",
      code: `
if not os.path.islink("/workspace/way-out"): os.symlink("/", "/workspace/way-out")
places = ("", "/etc", "/usr", "/usr/bin", "/opt/hotcell", "/opt/hotcell/kerneld/kerneld", "/root", "/var", "/run",
          "/proc", "/sys", "/home")
written = []
for place in places:
    for prefix in ("", "/proc/self/root", "/workspace/way-out", "/workspace/../"):
        if attempt(open, f"{prefix}{place}/made", "w") == "done": written.append(prefix + place)
report(written)`,
      reports: [],
    },
    {
      name: "change programs, names of users and settings of the kernel",
      code: `report([attempt(open, path, "r+") for path in
    ("/usr/bin/env", "/etc/passwd", "/opt/hotcell/bin/python3", "/etc/ld.so.cache", "/proc/sys/kernel/core_pattern",
     "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger", "/sys/kernel/mm/ksm/run")])`,
      reports: Array(9).fill(refused),
    },
    {
      name: "read what the kernel tells only to root",
      code: `
def first_byte(path):
    with open(path, "rb", buffering=0) as file:
        if not file.read(1): raise FileNotFoundError(2, "empty")
report([attempt(first_byte, path) for path in
    ("/proc/kcore", "/proc/kmsg", "/dev/mem", "/dev/kmsg", "/etc/shadow", "/proc/sched_debug",
     "/sys/firmware/dmi/tables/DMI", "/dev/sda", "/dev/vda")])`,
      reports: Array(9).fill(refused),
    },
    {
      name: "make devices, and hard links to files of others",
      code: `
import stat
def device(path, kind, major, minor):
    os.mknod(path, 0o666 | kind, os.makedev(major, minor))
    open(path, "rb").close()
report([attempt(device, "/workspace/memory", stat.S_IFCHR, 1, 1), attempt(device, "/workspace/disk", stat.S_IFBLK, 8, 0),
        attempt(os.link, "/etc/passwd", "/workspace/passwd"),
        attempt(os.link, "/usr/bin/env", "/tmp/env")])`,
      reports: ["EPERM", "EPERM", "EXDEV", "EXDEV"],
      differs: {
        "docker-runsc": {
          because: "gVisor makes the device, which stands for nothing",
          reports: ["ENXIO", "ENXIO", "EXDEV", "EXDEV"],
        },
      },
    },
    {
      name: "run every set-uid program of the image, and one of its own",
      code: `
import shutil, stat, subprocess
shutil.copy("/usr/bin/sleep", "/workspace/mine")
os.chmod("/workspace/mine", 0o6755)
programs = ["/workspace/mine"]
for directory in ("/usr/bin", "/usr/sbin", "/usr/lib"):
    for parent, _, names in os.walk(directory):
        programs += [path for path in (f"{parent}/{name}" for name in names)
                     if not os.path.islink(path) and os.stat(path).st_mode & (stat.S_ISUID | stat.S_ISGID)]
others = set()
for program in programs:
    try:
        process = subprocess.Popen([program, "30"], stdin=subprocess.PIPE, stdout=-3, stderr=-3)
    except PermissionError:
        continue
    lines = open(f"/proc/{process.pid}/status").read().splitlines()
    others.update(n for line in lines if line.startswith(("Uid:", "Gid:")) for n in line.split()[1:])
    process.kill()
    process.wait()
report(others <= {str(os.getuid()), str(os.getgid())})`,
      reports: true,
    },
    {
      name: "leave odd names, special files and a sparse giant for the API to stumble over",
      code: `
import random
name = bytes(random.Random(1).choice([b for b in range(1, 256) if b != 47]) for _ in range(255))
os.makedirs("/workspace/odd", exist_ok=True)
os.chdir("/workspace/odd")
open(name, "w").close()
os.mkfifo("fifo")
with open("sparse", "w") as file: file.truncate(10 * 10**12)
for link, target in (("zero", "/dev/zero"), ("memory", "/proc/self/mem"), ("shadow", "/etc/passwd"), ("loop", "loop")):
    os.symlink(target, link)
os.chdir("/workspace")
report("ready")`,
      session: {},
      async then({ gateway }, session) {
        const read = (path: string): Promise<Response> =>
          gateway.call("GET", `/v1/sessions/${session}/files/odd${path}`);
        const listed = await read("?list");
        const { entries } = (await listed.json()) as { entries: unknown[] };
        const statuses = ["fifo", "zero", "memory", "shadow", "loop"].map(async (name) => {
          const answer = await read(`/${name}`);
          await answer.body?.cancel();
          return answer.status;
        });
        const sparse = await read("/sparse");
        await sparse.body?.cancel();
        return [listed.status, entries.length > 5, await Promise.all(statuses), sparse.status];
      },
      reports: [200, true, Array(5).fill(refusal), 200],
    },
    {
      name: "escape by the API's paths",
      code: `
os.makedirs("/workspace/down", exist_ok=True)
if not os.path.islink("/workspace/down/out"): os.symlink("/etc", "/workspace/down/out")
report("ready")`,
      async then({ gateway }, session) {
        const paths = [
          ...["%2e%2e/etc/passwd", "..%2fetc%2fpasswd", "down/out/passwd", "%2fetc%2fpasswd"],
          ...[
            "down%00/x",
            "down%0d%0aX-Evil:%201",
            "..%5c..%5cetc%5cpasswd",
            "%2fproc%2fself%2fenviron",
          ],
        ];
        const answers = paths.map(async (path) => {
          const answer = await gateway.call("GET", `/v1/sessions/${session}/files/${path}`);
          const body = await answer.text();
          return answer.status < 400 || body.includes("root:") || answer.headers.has("x-evil");
        });
        const writes = ["down/out/made", "%2fetc%2fmade"].map(async (path) => {
          const answer = await gateway.call("PUT", `/v1/sessions/${session}/files/${path}`, "x");
          return answer.status < 400;
        });
        return (await Promise.all([...answers, ...writes])).filter(Boolean);
      },
      reports: [],
    },
    {
      name: "swap a file for a link while the API reads and writes it",
      code: `
import threading
os.makedirs("/workspace/swap", exist_ok=True)
if os.fork() == 0:
    import time
    until = time.monotonic() + 5
    while time.monotonic() < until:
        for make in (lambda: open("/workspace/swap/next", "w").write("mine"),
                     lambda: os.symlink("/etc/passwd", "/workspace/swap/next")):
            try:
                make()
                os.rename("/workspace/swap/next", "/workspace/swap/file")
            except OSError: pass
    os._exit(0)
report("ready")`,
      async then({ gateway }, session) {
        const path = `/v1/sessions/${session}/files/swap/file`;
        let leaked = 0;
        for (let count = 0; count < 50; count += 1) {
          if ((await (await gateway.call("GET", path)).text()).includes("root:")) leaked += 1;
          await (await gateway.call("PUT", path, "over")).text();
        }
        return leaked;
      },
      reports: 0,
    },
    {
      name: "nest five thousand directories, then have the session deleted",
      code: `
for _ in range(5000):
    os.mkdir("d")
    os.chdir("d")
os.chdir("/workspace")
report("deep")`,
      session: {},
      timeoutS: 100,
      async then({ gateway }, session) {
        return (await gateway.call("DELETE", `/v1/sessions/${session}`)).status;
      },
      reports: 204,
      ends: /session_deleted|not found/,
    },
  ],
};
