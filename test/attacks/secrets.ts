import type { Theme } from "./attack.js";

/** What of the gateway and of other sandboxes lies in a sandbox: its processes are copies of some that came before. */
export const secrets: Theme = {
  title: "secrets",
  // Otherwise the attack itself would carry into its memory what it looks for.
  blind: true,
  attacks: [
    {
      name: "search the memory of every process in reach",
      code: `
decoy = os.urandom(32)
searched, found = set(), {}
wanted = scene["secrets"] + [secret("its own decoy", decoy)]
for pid in [name for name in os.listdir("/proc") if name.isdecimal()]:
    for content in memory_of(int(pid)):
        searched.add(int(pid))
        for name in secrets_in(content, wanted): found.setdefault(name, []).append(pid)
report([os.getpid() in searched, sorted(found)])`,
      timeoutS: 100,
      reports: [true, ["its own decoy"]],
    },
    {
      name: "read every environment and command line in reach",
      code: `
import glob
os.environ["DECOY"] = "x"
found, seen = set(), 0
for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
    try:
        with open(path, "rb") as file: text = file.read()
    except OSError: continue
    seen += len(text)
    found.update(secrets_in(text, scene["secrets"]))
    found.update(word for word in ("HOTCELL_", "SECRET_OF_THE_GATEWAY", "LISTEN_FDS", "DOCKER_HOST") if word.encode() in text)
report([seen > 0, sorted(found)])`,
      reports: [true, []],
    },
    {
      name: "find a socket of the gateway's, of a zygote's or of the engine's among its descriptors",
      code: `
import socket
def address(of):
    try: return of()
    except OSError: return ""
found, seen = [], 0
for name in os.listdir("/proc/self/fd"):
    try:
        if not os.readlink(f"/proc/self/fd/{name}").startswith("socket:"): continue
        inherited = socket.socket(fileno=os.dup(int(name)))
    except OSError: continue
    with inherited:
        seen += 1
        if inherited.family != socket.AF_UNIX: found.append(str(inherited.family))
        for at in (address(inherited.getsockname), address(inherited.getpeername)):
            at = at if isinstance(at, str) else at.decode()
            if at and not at.startswith("/run/kernels/"): found.append(at)
report([seen > 0, found])`,
      reports: [true, []],
    },
    {
      name: "reopen what its descriptors, and those of its ancestors, name",
      code: `
ALLOWED = ("/dev/", "/workspace", "/tmp", "/proc", "pipe:", "socket:", "anon_inode:", "/memfd:")
found, seen = set(), 0
for pid in {"self", str(os.getppid()), "1"}:
    try: names = os.listdir(f"/proc/{pid}/fd")
    except OSError: continue
    for name in names:
        try: target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError: continue
        seen += 1
        if not target.startswith(ALLOWED): found.add(target.split("[")[0])
report([seen > 0, sorted(found)])`,
      reports: [true, []],
      differs: {
        "docker-runsc": {
          because:
            "gVisor shows kerneld's standard output by that name: the console, of which little is kept",
          reports: [true, ["host:"]],
        },
      },
    },
    {
      name: "look into the keyrings that it was started with",
      code: `
KEY_SPEC_SESSION, KEY_SPEC_USER, DESCRIBE = -3, -4, 6
try:
    with open("/proc/keys") as file: keys = [line.split()[7:9] for line in file]
except OSError: keys = []
report([call("keyctl", DESCRIBE, KEY_SPEC_SESSION, None, 0), call("keyctl", DESCRIBE, KEY_SPEC_USER, None, 0),
        [key for key in keys if key[0] in ("user", "logon", "asymmetr", "encrypted", "big_key")]])`,
      reports: ["EPERM", "EPERM", []],
    },
  ],
};
