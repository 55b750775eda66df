/**
 * A first process for sandboxes that stands in for kerneld: it makes the same two sides from the same start, or takes
 * those that the runtime has made, runs a test's Python on one of them, and sends what that says over the link as lines
 * of JSON.
 */
const STAND_IN = `
import json, os, socket, sys

side, code = sys.argv[1], sys.argv[2]
user = int(sys.argv[sys.argv.index("--user-uid") + 1])
kerneld = int(sys.argv[sys.argv.index("--kerneld-uid") + 1])

def become(uid):
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)

def attempt(action, *arguments):
    try:
        action(*arguments)
        return "done"
    except OSError as error:
        import errno
        return errno.errorcode[error.errno]

def fork_code(writable, identity):
    child = os.fork()
    if child == 0:
        say = lambda value: os.write(writable, json.dumps(value).encode() + b"\\n")
        if identity is not None:
            become(identity)
        exec(code, {"say": say, "attempt": attempt, "user": user, "kerneld": kerneld})
        os._exit(0)
    return child

def report(status, send):
    send(json.dumps({"status": status}).encode() + b"\\n")
    sys.exit(status if status >= 0 else 128 - status)

def dial():
    link = socket.socket(socket.AF_UNIX)
    link.connect("/run/kerneld/link/gateway.sock")
    return link

def wait(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

# Where the runtime has made the sides itself, this runs on both, and 3 is a pair between them.
made = sys.argv[sys.argv.index("--side") + 1] if "--side" in sys.argv else None
if made == "user":
    if side == "user":
        report(wait(fork_code(3, None)), lambda line: os.write(3, line))
    os.read(3, 1)
    sys.exit()
if made == "kerneld" and side == "user":
    link = dial()
    while chunk := os.read(3, 65536):
        link.sendall(chunk)
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))

readable, writable = os.pipe()
child = fork_code(writable, None if made or side == "start" else user if side == "user" else kerneld)
os.close(writable)
if not made:
    become(kerneld)
link = dial()
while chunk := os.read(readable, 65536):
    link.sendall(chunk)
report(wait(child), link.sendall)
`;

/**
 * Which identity the test's Python has: kerneld's, the user's, or the strongest that a program is started with: that
 * which both are made from, or kerneld's where the runtime makes the sides.
 */
export type Side = "start" | "kerneld" | "user";

/**
 * The entrypoint for a sandbox that runs `code`. The code says a value with `say(value)`; `attempt(f, *arguments)`
 * gives `"done"` or the name of the error number. When it ends, the sandbox ends with its exit code.
 */
export const standIn = (
  interpreter: string,
  side: Side,
  code: string,
): readonly [string, ...string[]] => [interpreter, "-I", "-S", "-c", STAND_IN, side, code];
