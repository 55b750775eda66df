import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { childrenOf } from "../../runtimes/local/traces.js";
import { HostZygote, onBothSides } from "./host-zygote.js";
import { LinkedSandbox } from "./linked-sandbox.js";

/** The kernel's version of Landlock, as a sandbox's own answer tells that it is in force. */
const SCOPES = 6;

describe("Landlock", () => {
  let zygote: HostZygote;
  beforeAll(async () => {
    zygote = await HostZygote.launch();
  });
  afterAll(() => zygote.close());

  const bothSay = async (code: string): Promise<Record<"user" | "kerneld", unknown>> => {
    const sandbox = await zygote.sandbox({ program: onBothSides(code) });
    expect(sandbox.answer["protections"]).toContain("landlock");
    return (await sandbox.lines.next()) as Record<"user" | "kerneld", unknown>;
  };

  // The workspace is writable by its mount and kerneld's own by its mode: nothing else is in the way.
  it("lets kerneld change nothing in the workspace", async () => {
    const { user, kerneld } = await bothSay(`
import stat
os.chdir("/workspace")
if side == "user":
    os.makedirs("filled")
    os.mkdir("empty")
    for name in ("file", "filled/file"):
        open(name, "w").close()
    value["moved"] = attempt(os.rename, "filled/file", "moved")
    peer.send(b"made")
else:
    peer.recv(4)
    value["write"] = attempt(lambda: open("file", "r+"))
    value["truncate"] = attempt(os.truncate, "file", 0)
    value["remove"] = attempt(os.unlink, "file")
    value["remove a directory"] = attempt(os.rmdir, "empty")
    value["rename"] = attempt(os.rename, "file", "another")
    value["move"] = attempt(os.rename, "file", "filled/moved")
    value["link"] = attempt(os.link, "file", "filled/link")
    value["make a file"] = attempt(lambda: open("new", "x"))
    value["make a directory"] = attempt(os.mkdir, "new")
    value["make a symbolic link"] = attempt(os.symlink, "file", "new")
    value["make a pipe"] = attempt(os.mkfifo, "new")
    value["make a socket"] = attempt(socket.socket(socket.AF_UNIX).bind, "new")
    value["make a character device"] = attempt(os.mknod, "new", stat.S_IFCHR | 0o600, 0)
    value["make a block device"] = attempt(os.mknod, "new", stat.S_IFBLK | 0o600, 0)
`);
    expect(user).toEqual({ moved: "done" });
    const refused = Object.values(kerneld as Record<string, string>);
    expect(refused).toHaveLength(14);
    for (const answer of refused) expect(["EACCES", "EXDEV"]).toContain(answer);
  });

  it("lets the user side change nothing of kerneld's that it has a descriptor of", async () => {
    const { user } = await bothSay(`
if side == "user":
    _, (directory,), _, _ = socket.recv_fds(peer, 1, 1)
    value["owner"] = os.fstat(directory).st_uid == os.getuid()
    value["made"] = attempt(lambda: os.close(os.open("made", os.O_CREAT | os.O_WRONLY, dir_fd=directory)))
else:
    socket.send_fds(peer, [b"."], [os.open("/run/kerneld", os.O_PATH)])
`);
    expect(user).toEqual({ owner: true, made: "EACCES" });
  });

  it("keeps the user side from abstract sockets of kerneld's", async () => {
    const { user, kerneld } = await bothSay(`
name = "\\0of-kerneld"
if side == "user":
    peer.recv(9)
    value["connected"] = attempt(socket.socket(socket.AF_UNIX).connect, name)
else:
    value["abi"] = __import__("ctypes").CDLL(None).syscall(444, None, 0, 1)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(name)
    listening.listen()
    peer.send(b"listening")
`);
    const { abi } = kerneld as { abi: number };
    expect(user).toEqual({ connected: abi >= SCOPES ? "EPERM" : "done" });
  });

  it.skipIf(process.getuid?.() !== 0)(
    "keeps the user side from signalling what is not its own (root puts it there)",
    async () => {
      const sandbox = await LinkedSandbox.start(zygote);
      onTestFinished(() => sandbox.gateway.close());
      const abi = Number(
        await sandbox.execute(
          "import ctypes, os; print(ctypes.CDLL(None).syscall(444, None, 0, 1))",
        ),
      );
      const [first = 0] = childrenOf(sandbox.process.pid);
      const id = /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${first}/status`, "utf8"))?.[1] ?? "";
      // With the same id and in the same PID namespace, so nothing else is in the way.
      const stranger = spawn("nsenter", [
        ...["--target", `${first}`, "--pid", "setpriv", "--reuid", id, "--regid", id],
        ...["--clear-groups", "sh", "-c", 'echo "$$"; exec sleep 1000'],
      ]);
      onTestFinished(() => void stranger.kill());
      const [line] = (await once(stranger.stdout, "data")) as [Buffer];
      const number = Number(line.toString());
      onTestFinished(() => {
        for (const pid of childrenOf(stranger.pid ?? 0)) process.kill(pid, "SIGKILL");
      });
      const said = await sandbox.execute(`
try:
    os.kill(${number}, 0)
    print("signalled")
except PermissionError:
    print("refused")`);
      expect(said).toBe(abi >= SCOPES ? "refused\n" : "signalled\n");
    },
  );
});
