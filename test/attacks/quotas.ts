import { expect } from "vitest";
import type { Attack, Theme } from "./attack.js";

/**
 * The attacker takes all that it can get of what the machine counts, and holds it; then the neighbour takes `share`.
 * `take()` takes one, and raises when there is no more.
 */
const share = (
  name: string,
  part: number,
  take: string,
  differs: Attack["differs"] = {},
): Attack => ({
  name,
  code: `${take}
held = []
try:
    while len(held) < 100_000: held.append(take())
except OSError: pass
report(len(held) > 0)`,
  session: {},
  timeoutS: 120,
  async then(stage) {
    const answer = await stage.run(
      stage.neighbour,
      `${take}
taken = []
try:
    while len(taken) < ${part}: taken.append(take())
except OSError as error: print(error)
report(len(taken))
for one in taken: release(one)
del taken`,
    );
    return answer.reports;
  },
  reports: part,
  differs,
});

const MANY = `
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
release = os.close
`;

/** What the kernel counts for a user of the machine, or once for all. */
export const quotas: Theme = {
  title: "shared quotas",
  attacks: [
    share(
      "all inotify instances",
      16,
      `${MANY}
def take():
    descriptor = libc.inotify_init1(0)
    if descriptor < 0: raise OSError(ctypes.get_errno(), "inotify_init1")
    return descriptor`,
    ),
    share(
      "all inotify watches",
      1000,
      `${MANY}
os.makedirs("/tmp/watched", exist_ok=True)
instances = [libc.inotify_init1(0)]
def release(number): os.unlink(f"/tmp/watched/{number}")
number = 0
def take():
    global number
    number += 1
    if number % 1000 == 0:
        instances.append(libc.inotify_init1(0))
        number = 1
    path = f"/tmp/watched/{number}"
    if len(instances) == 1: os.close(os.open(path, os.O_CREAT))
    if libc.inotify_add_watch(instances[-1], path.encode(), 2) < 0: raise OSError(ctypes.get_errno(), "watch")
    return number`,
    ),
    share(
      "all pages of pipes",
      4,
      `${MANY}
import fcntl
def take():
    ends = os.pipe()
    try: fcntl.fcntl(ends[0], fcntl.F_SETPIPE_SZ, 1 << 20)
    except OSError:
        release(ends)
        raise
    return ends
def release(ends):
    for end in ends: os.close(end)`,
    ),
    share(
      "all pending signals",
      16,
      `
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMAX])
import threading
libc.pthread_sigqueue.argtypes = (ctypes.c_ulong, ctypes.c_int, ctypes.c_void_p)
def take():
    # Of all threads this one alone holds it back.
    failed = libc.pthread_sigqueue(threading.get_ident(), signal.SIGRTMAX, None)
    if failed: raise OSError(failed, "pthread_sigqueue")
def release(_): signal.sigtimedwait([signal.SIGRTMAX], 0)`,
    ),
    share(
      "all message queues",
      1,
      `
count = 0
def take():
    global count
    count += 1
    queue = libc.mq_open(f"/queue{count}".encode(), os.O_CREAT | os.O_RDWR, 0o600, None)
    if queue < 0: raise OSError(ctypes.get_errno(), "mq_open")
    return queue, count
def release(taken):
    os.close(taken[0])
    libc.mq_unlink(f"/queue{taken[1]}".encode())`,
      {
        local: {
          because: "Landlock, where there is one, lets nobody make a queue",
          reports: expect.toBeOneOf([0, 1]) as number,
        },
      },
    ),
    share(
      "all pseudo terminals",
      4,
      `${MANY}
def take(): return os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)`,
      {
        docker: {
          because:
            "the engine bounds no container's /dev/pts: all share what the machine has beside its own",
          reports: expect.any(Number) as number,
        },
      },
    ),
    share(
      "all memory that may be locked",
      1,
      `
import mmap
def take():
    page = mmap.mmap(-1, 4096)
    if libc.mlock(ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(page))), ctypes.c_size_t(4096)) < 0:
        raise OSError(ctypes.get_errno(), "mlock")
    return page
def release(page): pass`,
    ),
  ],
};
