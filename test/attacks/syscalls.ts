import { expect } from "vitest";
import type { Theme } from "./attack.js";

/** Calls and what they are called with: enough for each to be made, were it allowed. */
const REFUSED = {
  add_key: 'b"user", b"mine", b"secret", 6, -2',
  request_key: 'b"user", b"mine", None, 0',
  keyctl: "0, -3, 1",
  bpf: "0, bytes(128), 128",
  perf_event_open: "bytes(128), 0, -1, -1, 0",
  userfaultfd: "1",
  memfd_secret: "0",
  fanotify_init: "0, 0",
  open_by_handle_at: "-100, bytes(16), 0",
  init_module: 'bytes(16), 16, b""',
  finit_module: '0, b"", 0',
  delete_module: 'b"loop", 0',
  kexec_load: "0, 0, None, 0",
  kexec_file_load: '0, 0, 0, b"", 0',
  reboot: "0xfee1dead, 0x28121969, 0",
  swapon: 'b"/workspace", 0',
  swapoff: 'b"/workspace"',
  acct: 'b"/workspace/acct"',
  quotactl: '0x800007, b"/", 0, None',
  sethostname: 'b"x", 1',
  setdomainname: 'b"x", 1',
  syslog: "3, bytes(16), 16",
};

/** Ways into the kernel that sandboxed code has no use for. */
export const syscalls: Theme = {
  title: "system calls",
  attacks: [
    {
      name: "keys, programs for the kernel, modules, the machine's state",
      code: `report({${Object.entries(REFUSED)
        .map(([name, values]) => `"${name}": call("${name}", ${values})`)
        .join(", ")}})`,
      reports: Object.fromEntries(Object.keys(REFUSED).map((name) => [name, "EPERM"])),
    },
    {
      name: "io_uring, which opens and connects past a filter",
      code: `report(call("io_uring_setup", 1, bytes(120)))`,
      reports: "ENOSYS",
    },
    {
      name: "have memory merged with the neighbour's, to measure what it holds",
      code: `
import mmap
PR_SET_MEMORY_MERGE = 67
page = mmap.mmap(-1, 1 << 16)
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
report([call("madvise", address, 1 << 16, 12), call("prctl", PR_SET_MEMORY_MERGE, 1, 0, 0, 0)])`,
      reports: ["EPERM", "EPERM"],
    },
    {
      name: "type into a terminal",
      code: `
import fcntl, pty
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
_, terminal = pty.openpty()
report([attempt(fcntl.ioctl, terminal, TIOCSTI, b"x"), attempt(fcntl.ioctl, terminal, TIOCLINUX, b"\\x06"),
        call("ioctl", terminal, (1 << 32) | TIOCSTI, b"x")])`,
      reports: ["EPERM", "EPERM", "EPERM"],
    },
    {
      name: "enter the kernel by the doors of other architectures",
      code: `
import mmap
def i386():
    # mov eax, 20 (getpid); int 0x80; ret
    text = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    text.write(bytes.fromhex("b814000000cd80c3"))
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(text)))()
def x32():
    result = libc.syscall(ctypes.c_long(0x40000000 + 39))
    return "done" if result > 0 else errno.errorcode[ctypes.get_errno()]
SIGSYS = 31
report([in_child(i386), in_child(x32)] if os.uname().machine == "x86_64" else [-SIGSYS, "EPERM"])`,
      reports: [-31, "EPERM"],
      differs: {
        "docker-runsc": { because: "gVisor kills who enters so, itself", reports: [-9, "EPERM"] },
      },
    },
    {
      name: "run with addresses that can be foretold",
      code: `
PERSONALITY, ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC = (135, 92)[os.uname().machine == "aarch64"], 0x40000, 0x400000
report([libc.syscall(ctypes.c_long(PERSONALITY), ctypes.c_long(flag)) for flag in (ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC)])`,
      reports: [-1, -1],
    },
    {
      name: "change any setting of the kernel",
      code: `
opened, looked_at = [], 0
for directory, _, names in os.walk("/proc/sys"):
    for path in (f"{directory}/{name}" for name in names):
        looked_at += 1
        if attempt(open, path, "w") == "done": opened.append(path)
report([looked_at > 10, opened])`,
      reports: [true, []],
    },
    {
      name: "take another kind of socket",
      code: `
import socket
FAMILIES = {"packet": (17, 3, 0), "raw": (2, 3, 1), "raw6": (10, 3, 58), "vsock": (40, 1, 0), "alg": (38, 5, 0),
            "bluetooth": (31, 3, 0), "xdp": (44, 3, 0), "xfrm": (16, 3, 6), "audit": (16, 3, 9), "uevent": (16, 3, 15),
            "netfilter": (16, 3, 12), "generic": (16, 3, 16), "tipc": (30, 1, 0), "rds": (21, 5, 0), "can": (29, 3, 1)}
report({name: attempt(socket.socket, *arguments) for name, arguments in FAMILIES.items()})`,
      reports: Object.fromEntries(
        [
          ...["packet", "raw", "raw6", "vsock", "alg", "bluetooth", "xdp", "xfrm", "audit"],
          ...["uevent", "netfilter", "generic", "tipc", "rds", "can"],
        ].map((name) => [name, "EPERM"]),
      ),
    },
    {
      name: "make an interface, by netlink",
      code: `
import socket, struct
RTM_NEWLINK, REQUEST_ACK_CREATE = 16, 0x1 | 0x4 | 0x400
with socket.socket(16, socket.SOCK_RAW, 0) as route:
    kind = struct.pack("HH6s2x", 10, 1, b"dummy\\0")
    information = struct.pack("HH", 4 + len(kind), 18) + kind
    body = struct.pack("BxHiII", 0, 0, 0, 0, 0xFFFFFFFF) + information
    route.send(struct.pack("IHHII", 16 + len(body), RTM_NEWLINK, REQUEST_ACK_CREATE, 1, 0) + body)
    answer = struct.unpack_from("i", route.recv(4096), 16)[0]
report([errno.errorcode.get(-answer, answer), [name for _, name in socket.if_nameindex()]])`,
      reports: [expect.stringMatching(/^E(PERM|ACCES|OPNOTSUPP|INVAL)$/), ["lo"]],
    },
  ],
};
