import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";

const IMAGE = process.env["HOTCELL_TEST_IMAGE"] ?? "hotcell/python:dev";
const PACKAGE = fileURLToPath(new URL("../../../kernel-images/kerneld", import.meta.url));

/** So that the kernel itself would not refuse: what it says to arguments that make no sense is another error. */
const CAPABILITIES = [
  ...["DAC_READ_SEARCH", "NET_ADMIN", "NET_RAW", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT"],
  ...["SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_TIME"],
  "SYS_TTY_CONFIG",
];

const PROGRAM = `
import ctypes, errno, json, os, platform, sys
sys.path.insert(0, "/package")
from kerneld.user import seccomp, syscalls
libc = ctypes.CDLL(None, use_errno=True)
numbers = {**syscalls.REFUSED, **syscalls.ABSENT, **syscalls.JUDGED}
column = syscalls.MACHINES[platform.machine()].column
def answer(name, *arguments):
    number = numbers[name][column]
    if number is None:
        return None
    words = [os.getpid() if argument == "self" else argument for argument in arguments]
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_ulong(word & 2**64 - 1) for word in words))
    return "done" if result >= 0 else errno.errorcode[ctypes.get_errno()]
calls = json.loads(sys.argv[1])
seccomp.Assembled().install()
print(json.dumps({"refused": list(syscalls.REFUSED), "answers": [answer(*call) for call in calls]}))
`;

type Call = [name: string, ...arguments: (number | "self")[]];

/** What comes of system calls where the filter stands alone: no engine's, and hardly a capability missing. */
async function underTheFilter(
  calls: Call[],
): Promise<{ refused: string[]; answers: (string | null)[] }> {
  const { stdout } = await promisify(execFile)("docker", [
    ...["run", "--rm", "--network", "none", "--security-opt", "seccomp=unconfined"],
    ...CAPABILITIES.flatMap((name) => ["--cap-add", name]),
    ...["--volume", `${PACKAGE}:/package:ro`, "--entrypoint", "/opt/hotcell/bin/python3", IMAGE],
    ...["-I", "-B", "-c", PROGRAM, JSON.stringify(calls)],
  ]);
  return JSON.parse(stdout) as { refused: string[]; answers: (string | null)[] };
}

const REFUSED = [
  ...["ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp"],
  ...["pidfd_getfd", "add_key", "request_key", "keyctl", "unshare", "setns", "mount", "umount2"],
  ...["pivot_root", "chroot", "open_tree", "open_tree_attr", "move_mount", "fsopen", "fsconfig"],
  ...["fsmount", "fspick", "mount_setattr", "open_by_handle_at", "bpf", "perf_event_open"],
  ...["userfaultfd", "memfd_secret", "modify_ldt", "fanotify_init", "lookup_dcookie"],
  ...["move_pages", "migrate_pages", "init_module", "finit_module", "delete_module"],
  ...["create_module", "query_module", "get_kernel_syms", "kexec_load", "kexec_file_load"],
  ...["reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "nfsservctl"],
  ...["settimeofday", "clock_settime", "sethostname", "setdomainname", "syslog", "vhangup"],
  ...["iopl", "ioperm", "uselib", "sysfs", "_sysctl"],
];

/** Neither an address, nor a descriptor, nor a flag. */
const NONSENSE = [-1, -1, -1, -1, -1, -1];
const NEW_NAMESPACES = {
  mnt: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  net: 0x40000000,
};
/** Signal handlers without the memory that they are in: the kernel takes that for nonsense. */
const SIGHAND = 0x800;
const [UNIX, INTERNET, INTERNET_6, NETLINK, RAW] = [1, 2, 10, 16, 3];
const FAMILIES = Array.from({ length: 46 }, (_, family) => family);
const CORE = 4;

const JUDGED: [string, Call][] = [
  ...Object.entries(NEW_NAMESPACES).map(([kind, flag]): [string, Call] => [
    `clone into a new ${kind} namespace`,
    ["clone", flag | SIGHAND, 0, 0, 0, 0],
  ]),
  ...FAMILIES.filter((family) => ![UNIX, INTERNET, INTERNET_6, NETLINK].includes(family)).map(
    (family): [string, Call] => [`socket of family ${family}`, ["socket", family, -1, 0]],
  ),
  ...FAMILIES.slice(1, 23).map((protocol): [string, Call] => [
    `netlink of protocol ${protocol}`,
    ["socket", NETLINK, RAW, protocol],
  ]),
  ...FAMILIES.filter((family) => family !== UNIX).map((family): [string, Call] => [
    `pair of sockets of family ${family}`,
    ["socketpair", family, -1, 0, -1],
  ]),
  ["typing into a terminal", ["ioctl", -1, 0x5412, 0]],
  ["typing into a terminal, with bits that the kernel ignores", ["ioctl", -1, 0x100005412, 0]],
  ["pasting into a console", ["ioctl", -1, 0x541c, 0]],
  ["merging pages", ["madvise", 0, 0, 12]],
  ["merging all pages", ["prctl", 67, 1, 0, 0, 0]],
  ["limiting core files", ["prlimit64", 0, CORE, -1, 0]],
  ["limiting core files, the old way", ["setrlimit", CORE, -1]],
  ["limiting a process by its number", ["prlimit64", "self", 7, -1, 0]],
  ["another personality", ["personality", 8]],
];

describe("the system call filter alone", () => {
  let refused: string[];
  const answers = new Map<string, string | null>();
  beforeAll(async () => {
    const calls: [string, Call][] = [
      ...REFUSED.map((name): [string, Call] => [name, [name, ...NONSENSE]]),
      ...JUDGED,
    ];
    const said = await underTheFilter(calls.map(([, call]) => call));
    refused = said.refused;
    calls.forEach(([label], index) => answers.set(label, said.answers[index] ?? null));
  });

  it("refuses no call but these whatever its arguments", () => {
    expect(refused.toSorted()).toEqual(REFUSED.toSorted());
  });

  it.each(REFUSED)("refuses %s", (name) => {
    // Null where the machine has no such call.
    expect(["EPERM", null]).toContain(answers.get(name));
  });

  it.each(JUDGED.map(([label]) => label))("refuses %s", (label) => {
    expect(["EPERM", null]).toContain(answers.get(label));
  });
});
