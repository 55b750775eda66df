import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PublicImage, publicImage } from "../../runtimes/local/public-image.js";
import { HostZygote, IMAGE, onBothSides, REQUEST } from "./host-zygote.js";

const NOBODY = 65_534;

const users = [
  ["whoever runs the tests", undefined],
  ...(process.getuid?.() === 0 ? [["an ordinary user", NOBODY] as const] : []),
] as const;

describe.each(users)("a sandbox of a zygote launched by %s", (_, uid) => {
  let zygote: HostZygote;
  const id = uid === undefined ? REQUEST.id : 0;
  let image: PublicImage | undefined;
  beforeAll(async () => {
    image = uid === undefined ? undefined : await publicImage(IMAGE);
    zygote = await HostZygote.launch({
      ...(uid !== undefined && { uid }),
      ...(image && { image: image.directory }),
    });
    expect(zygote.answer).toMatchObject({ ok: true });
  });
  afterAll(async () => {
    await zygote.close();
    await image?.remove();
  });

  const bothSay = async (code: string): Promise<{ user: unknown; kerneld: unknown }> => {
    const sandbox = await zygote.sandbox({ id, program: onBothSides(code) });
    expect(sandbox.answer).toMatchObject({ ok: true });
    return (await sandbox.lines.next()) as { user: unknown; kerneld: unknown };
  };

  it("names what holds it", async () => {
    const { answer } = await zygote.sandbox({ id });
    expect(answer["protections"]).toEqual(
      expect.arrayContaining([
        ...["capabilities_dropped", "no_core_dumps", "no_network", "no_new_privileges"],
        ...["pids_limit", "private_cgroup_namespace", "private_ipc", "read_only_root"],
        ...["seccomp", "separate_supervisor", "user_namespace"],
      ]),
    );
    expect(answer["protections"]).not.toContain("memory_limit");
  });

  it("has two sides, each with its uid, and neither with a capability", async () => {
    const said = await bothSay(`
value["ids"] = [os.getuid(), os.getgid()]
value["name"] = [line.split(":")[0] for line in open("/etc/passwd") if line.split(":")[2] == str(os.getuid())][0]
for line in open("/proc/self/status"):
    name, _, rest = line.partition(":")
    if name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"):
        value[name] = int(rest, 16)
`);
    const capabilities = { CapInh: 0, CapPrm: 0, CapEff: 0, CapBnd: 0, CapAmb: 0 };
    const held = { ...capabilities, NoNewPrivs: 1, Seccomp: 2 };
    expect(said).toEqual({
      user: { ids: [1000, 1000], name: "user", ...held },
      kerneld: { ids: [1001, 1001], name: "kerneld", ...held },
    });
  });

  it("shows the user side neither kerneld nor its directory", async () => {
    const said = await bothSay(`
value["pids"] = sorted(int(name) for name in os.listdir("/proc") if name.isdecimal())
value["private"] = os.listdir("/run/kerneld")
value["host"] = os.listdir("/run/host")
`);
    expect(said).toEqual({
      user: { pids: [1], private: [], host: [] },
      kerneld: { pids: [1, 2], private: ["link"], host: [] },
    });
  });

  it("inherits no descriptor of the zygote's", async () => {
    const said = await bothSay(
      `value["open"] = sorted(map(int, os.listdir("/proc/self/fd")))[:-1]`,
    );
    expect(said).toEqual({ user: { open: [0, 1, 2, 3] }, kerneld: { open: [0, 1, 2, 3, 4] } });
  });

  it("lets each side write where it has to and nowhere else", async () => {
    const said = await bothSay(`
import ctypes
def write(path):
    with open(path, "w") as file:
        file.write("1")
for path in ("/file", "/etc/file", "/opt/hotcell/kerneld/file", "/run/file", "/dev/file", "/sys/file",
             "/proc/sys/user/max_user_namespaces", "/workspace/file", "/tmp/file", "/dev/shm/file", "/dev/null"):
    value[path] = attempt(write, path)
`);
    const refused: unknown = expect.stringMatching(/^(EROFS|EACCES|EPERM)$/);
    const readOnly = Object.fromEntries(
      [
        ...["/file", "/etc/file", "/opt/hotcell/kerneld/file", "/run/file", "/dev/file"],
        ...["/sys/file", "/proc/sys/user/max_user_namespaces"],
      ].map((path) => [path, refused]),
    );
    expect(said).toEqual({
      user: {
        ...readOnly,
        ...{ "/workspace/file": "done", "/tmp/file": "done" },
        ...{ "/dev/shm/file": "done", "/dev/null": "done" },
      },
      // By Landlock alone: the file systems are the same and it owns them.
      kerneld: {
        ...readOnly,
        ...{ "/workspace/file": "EACCES", "/tmp/file": "EACCES" },
        ...{ "/dev/shm/file": "done", "/dev/null": "done" },
      },
    });
  });

  it("has no way to other namespaces, mounts and users", async () => {
    const said = await bothSay(`
value["namespace"] = attempt(os.unshare, os.CLONE_NEWUSER)
value["uid"] = attempt(os.setuid, 0)
`);
    const side = { namespace: "EPERM", uid: "EINVAL" };
    expect(said).toEqual({ user: side, kerneld: side });
  });

  it("bounds what one process may open and start, and leaves no core", async () => {
    const said = await bothSay(`
import resource
for name in ("CORE", "NOFILE", "NPROC"):
    value[name] = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
`);
    const { nofile, pids } = REQUEST.limits;
    const bounds = { CORE: [1, 1], NOFILE: [nofile, nofile], NPROC: [pids, pids] };
    expect(said).toEqual({ user: bounds, kerneld: bounds });
  });

  it("bounds what would count against all sandboxes of one user to a part of it", async () => {
    const share = async (name: string): Promise<number> =>
      Math.floor(Number(await readFile(`/proc/sys/fs/inotify/max_user_${name}`, "utf8")) / 8);
    const said = await bothSay(`
for name in ("user_namespaces", "inotify_instances", "inotify_watches"):
    value[name] = int(open(f"/proc/sys/user/max_{name}").read())
`);
    const bounds = {
      user_namespaces: 0,
      inotify_instances: await share("instances"),
      inotify_watches: await share("watches"),
    };
    expect(said).toEqual({ user: bounds, kerneld: bounds });
  });

  it("has terminals, a loopback interface and nothing else of a network", async () => {
    const said = (await bothSay(`
if side == "user":
    os.openpty()
    value["interfaces"] = [name for _, name in socket.if_nameindex()]
    server = socket.create_server(("127.0.0.1", 0))
    socket.create_connection(server.getsockname()).close()
`)) as { user: unknown };
    expect(said.user).toEqual({ interfaces: ["lo"] });
  });

  it("counts its processes apart from its neighbours' and from kerneld's", async () => {
    const fill = `
if side == "user":
    readable, writable = os.pipe()
    count = 0
    while attempt(lambda: os.fork() or os.read(readable, 1) or os._exit(0)) == "done":
        count += 1
    value["processes"] = count
`;
    const said = await Promise.all([bothSay(fill), bothSay(fill)]);
    const mine = { processes: REQUEST.limits.pids - 1 };
    expect(said.map(({ user }) => user)).toEqual([mine, mine]);
  });
});
