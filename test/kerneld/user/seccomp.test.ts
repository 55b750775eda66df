import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openUserSide, python, textOf, type UserSide, valueOf } from "./user-side.js";

let side: UserSide;
beforeAll(async () => {
  side = await openUserSide();
  await side.start("a");
  await side.execute(
    "a",
    python`
      import ctypes, errno, os, platform, signal, socket, subprocess, sys
      libc = ctypes.CDLL(None, use_errno=True)
      column = 0 if platform.machine() == "x86_64" else 1
      def call(numbers, *arguments):
          ctypes.set_errno(0)
          padded = [ctypes.c_ulong(a & 2**64 - 1) if isinstance(a, int) else a for a in arguments]
          result = libc.syscall(ctypes.c_long(numbers[column]), *padded)
          return "ok" if result >= 0 else errno.errorcode[ctypes.get_errno()]
      def attempt(action):
          try: action()
          except OSError as error: return errno.errorcode[error.errno]
          return "ok"`,
  );
});
afterAll(async () => side.close());

const value = async (code: string) => valueOf(await side.execute("a", code));

describe("the system call filter", () => {
  it.each([
    ["ptrace", "(101, 117), 0, 0, 0, 0"],
    ["process_vm_readv", "(310, 270), os.getpid(), 0, 0, 0, 0, 0"],
    ["process_vm_writev", "(311, 271), os.getpid(), 0, 0, 0, 0, 0"],
    ["process_madvise", "(440, 440), 0, 0, 0, 0, 0"],
    ["kcmp", "(312, 272), os.getpid(), os.getpid(), 0, 0, 0"],
    ["pidfd_getfd", "(438, 438), os.pidfd_open(os.getpid()), 0, 0"],
    ["keyctl", "(250, 219), 0, 0, 0"],
    ["add_key", "(248, 217), 0, 0, 0, 0, 0"],
    ["request_key", "(249, 218), 0, 0, 0, 0"],
    ["unshare of files", "(272, 97), 0x400"],
    ["setns", "(308, 268), 0, 0"],
    ["mount", "(165, 40), 0, 0, 0, 0, 0"],
    ["umount2", "(166, 39), 0, 0"],
    ["pivot_root", "(155, 41), 0, 0"],
    ["open_tree", "(428, 428), -100, b'/', 0"],
    ["move_mount", "(429, 429), 0, 0, 0, 0, 0"],
    ["fsopen", "(430, 430), b'tmpfs', 0"],
    ["mount_setattr", "(442, 442), 0, 0, 0, 0, 0"],
    ["bpf", "(321, 280), 0, 0, 0"],
    ["perf_event_open", "(298, 241), 0, 0, 0, 0, 0"],
    ["userfaultfd", "(323, 282), 0"],
    ["memfd_secret", "(447, 447), 0"],
    ["open_by_handle_at", "(304, 265), 0, 0, 0"],
    ["fanotify_init", "(300, 262), 0, 0"],
    ["clone into a user namespace", "(56, 220), 0x10000011, 0, 0, 0, 0"],
    ["merging of pages", "(28, 233), 0, 0, 12"],
    ["merging of all pages", "(157, 167), 67, 1, 0, 0, 0"],
    ["typing into a terminal", "(16, 29), 0, 0x5412, 0"],
    ["pasting into a console", "(16, 29), 0, 0x541C, 0"],
    ["limiting another process", "(302, 261), 1, 7, ctypes.byref((ctypes.c_uint64 * 2)(9, 9)), 0"],
    ["limiting core files", "(302, 261), 0, 4, ctypes.byref((ctypes.c_uint64 * 2)(0, 0)), 0"],
    ["another personality", "(135, 92), 8"],
  ])("refuses %s", async (_, args) => {
    expect(await value(`call(${args})`)).toBe("'EPERM'");
  });

  it.each([
    ["clone3", "(435, 435), 0, 0"],
    ["io_uring_setup", "(425, 425), 1, 0"],
    ["io_uring_enter", "(426, 426), 0, 0, 0, 0, 0, 0"],
    ["io_uring_register", "(427, 427), 0, 0, 0, 0"],
  ])("makes %s look absent", async (_, args) => {
    expect(await value(`call(${args})`)).toBe("'ENOSYS'");
  });

  it("lets only local, internet and routing sockets be made", async () => {
    const families = "[(1, 1, 0), (2, 1, 0), (2, 2, 0), (10, 1, 0), (16, 3, 0)]";
    const others =
      "[(16, 3, 9), (16, 3, 6), (16, 3, 12), (16, 3, 15), (40, 1, 0), (38, 5, 0), (17, 3, 0), (31, 1, 0)]";
    const attempts = (list: string) =>
      `[attempt(lambda: socket.socket(*s).close()) for s in ${list}]`;
    expect(await value(attempts(families))).toBe("['ok', 'ok', 'ok', 'ok', 'ok']");
    expect(await value(`set(${attempts(others)})`)).toBe("{'EPERM'}");
  });

  it("kills what enters the kernel by another architecture's door", async () => {
    const code = python`
      import mmap
      # mov eax, 20 (getpid on i386); int 0x80; ret
      machine_code = bytes.fromhex("b814000000cd80c3")
      pid = os.fork()
      if pid == 0:
          page = mmap.mmap(-1, 4096, prot=7)
          page.write(machine_code)
          address = ctypes.addressof(ctypes.c_char.from_buffer(page))
          ctypes.CFUNCTYPE(ctypes.c_int)(address)()
          os._exit(0)
      os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if column == 0 else -31`;
    expect(await value(code)).toBe("-31");
    expect(await value("call((0x40000000 + 39,)) if column == 0 else 'EPERM'")).toBe("'EPERM'");
  });

  it("lets limits be read and lowered for oneself, and signals be sent by pidfd", async () => {
    const code = python`
      import resource
      soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
      resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard))
      read = resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)
      child = subprocess.Popen(["sleep", "60"])
      signal.pidfd_send_signal(os.pidfd_open(child.pid), signal.SIGTERM)
      [len(read), child.wait()]`;
    expect(await value(code)).toBe("[2, -15]");
  });

  it("leaves threads, processes, numpy, git and pip alone", async () => {
    const code = python`
      import threading, numpy, multiprocessing
      thread = threading.Thread(target=lambda: None); thread.start(); thread.join()
      product = (numpy.ones((300, 300)) @ numpy.ones((300, 300)))[0, 0]
      with multiprocessing.Pool(2) as pool: squares = pool.map(abs, [-1, 2])
      quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
      git = subprocess.run("git init -q /tmp/repo && cd /tmp/repo && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x && git log --oneline | wc -l", shell=True, capture_output=True, text=True).stdout.strip()
      os.makedirs("/tmp/package", exist_ok=True)
      open("/tmp/package/pyproject.toml", "w").write('[build-system]\nrequires = []\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "tiny-thing"\nversion = "1"\n[tool.setuptools]\npy-modules = ["tiny_thing"]\n')
      open("/tmp/package/tiny_thing.py", "w").write("size = 1")
      pip = subprocess.run([sys.executable, "-m", "pip", "install", "--user", "--break-system-packages", "--no-build-isolation", "--no-index", "/tmp/package"], capture_output=True, text=True)
      import tiny_thing
      [product, squares, git, pip.returncode, tiny_thing.size]`;
    const run = await side.execute("a", code);
    expect(valueOf(run), textOf(run.messages)).toBe("[np.float64(300.0), [1, 2], '1', 0, 1]");
  });
});
