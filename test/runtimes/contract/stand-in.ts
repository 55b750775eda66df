/**
 * A first process for sandboxes that stands in for kerneld: it makes the same two sides from the same start, runs a
 * test's Python on one of them, and sends what that says over the link as lines of JSON.
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

readable, writable = os.pipe()
child = os.fork()
if child == 0:
    os.close(readable)
    say = lambda value: os.write(writable, json.dumps(value).encode() + b"\\n")
    if side == "user":
        become(user)
    elif side == "kerneld":
        become(kerneld)
    exec(code, {"say": say, "attempt": attempt, "user": user, "kerneld": kerneld})
    os._exit(0)

os.close(writable)
become(kerneld)
link = socket.socket(socket.AF_UNIX)
link.connect("/run/kerneld/link/gateway.sock")
while chunk := os.read(readable, 65536):
    link.sendall(chunk)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
link.sendall(json.dumps({"status": status}).encode() + b"\\n")
sys.exit(status if status >= 0 else 128 - status)
`;

/** Which identity the test's Python has: kerneld's, the user's, or that which both are made from. */
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
