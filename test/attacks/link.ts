import { expect } from "vitest";
import { dialRaw, type Identity, readChallenge, helloFor, readLine } from "../sandboxes/dial.js";
import type { Theme } from "./attack.js";

const hidden = expect.stringMatching(/^E(ACCES|NOENT|PERM|ROFS)$/) as string;
const CONNECTIONS = 10_000;
const AT_ONCE = 100;

/** kerneld's link to the gateway: out of a sandbox's reach, and, were it in reach, of no use without the key. */
export const link: Theme = {
  title: "the link",
  attacks: [
    {
      name: "list kerneld's directory, and dial the gateway's socket in it",
      code: `
import socket
def entries():
    if not os.listdir("/run/kerneld"): raise FileNotFoundError(2, "empty")
report([attempt(entries), attempt(os.listdir, "/run/kerneld/link"), attempt(os.chmod, "/run/kerneld", 0o777),
        attempt(os.rename, "/run/kerneld", "/run/old"), attempt(os.symlink, "/tmp", "/run/kerneld/link"),
        attempt(socket.socket(socket.AF_UNIX).connect, "/run/kerneld/link/gateway.sock"),
        attempt(os.open, "/proc/1/root/run/kerneld/link/gateway.sock", os.O_PATH)])`,
      reports: Array(7).fill(hidden),
    },
    {
      name: "dial the gateway's socket ten thousand times by every name that it may have, with garbage in hand",
      code: `
import socket
answers = set()
for path in ("/run/kerneld/link/gateway.sock", scene["link_socket"], "/proc/1/cwd/run/kerneld/link/gateway.sock"):
    for _ in range(3334):
        with socket.socket(socket.AF_UNIX) as attacker:
            answer = attempt(attacker.connect, path)
            if answer == "done": attacker.sendall(b"GET / HTTP/1.1\\r\\n" * 100)
            answers.add(answer)
report(sorted(answers - {"EACCES", "ENOENT"}))`,
      reports: [],
    },
    {
      name: "dial every socket that has a name anywhere",
      code: `
import socket, stat
reached = []
for directory, _, names in os.walk("/"):
    if directory.startswith(("/proc", "/sys")): continue
    for path in (f"{directory}/{name}" for name in names):
        try:
            if not stat.S_ISSOCK(os.lstat(path).st_mode): continue
        except OSError: continue
        with socket.socket(socket.AF_UNIX) as attacker:
            if attempt(attacker.connect, path) == "done": reached.append(path)
own = [path for path in reached if path.startswith("/run/kernels/")]
report([len(own) >= 4, [path for path in reached if path not in own]])`,
      reports: [true, []],
    },
    {
      name: "in a sandbox's place, greet with another's id, another's key, both, none, garbage",
      async then(stage, session) {
        const own = await stage.accessTo(session);
        const other = await stage.accessTo(stage.neighbour);
        const zeros = "0".repeat(64);
        const identities: Identity[] = [
          { boot: other.boot, key: own.key },
          { boot: own.boot, key: other.key },
          { boot: other.boot, key: other.key },
          { boot: own.boot, key: zeros },
          { boot: own.boot, key: null },
          { boot: zeros.slice(32), key: null },
        ];
        const roles = ["control", "spare"] as const;
        const garbage = [
          "\n",
          "{}\n",
          "GET / HTTP/1.1\r\n\r\n",
          `${"[".repeat(900)}\n`,
          "\0\xff\n",
        ];
        const hellos = [
          ...identities.flatMap((identity) =>
            roles.map((role) => (challenge: string) => helloFor(identity, role, challenge)),
          ),
          ...garbage.map((text) => () => text),
        ];
        const answers: (string | null)[] = [];
        // One after the other: there are sixteen places, of which kerneld needs some.
        for (const hello of hellos) {
          const socket = await dialRaw(own.socketPath);
          const challenge = await readChallenge(socket);
          expect(challenge).toMatch(/^[0-9a-f]{64}$/);
          socket.write(hello(challenge));
          answers.push(await readLine(socket));
          socket.destroy();
        }
        return answers.filter((answer) => answer !== null);
      },
      reports: [],
    },
    {
      name: "in a sandbox's place, say again what kerneld has said",
      async then(stage, session) {
        const own = await stage.accessTo(session);
        const identity = { boot: own.boot, key: own.key };
        const first = await dialRaw(own.socketPath);
        const said = helloFor(identity, "spare", await readChallenge(first));
        first.write(said);
        const taken = await readLine(first);
        first.destroy();
        const again = await dialRaw(own.socketPath);
        await readChallenge(again);
        again.write(said);
        return [taken, await readLine(again)];
      },
      reports: ['{"ok":true}', null],
    },
    {
      name: "in a sandbox's place, dial ten thousand times, with garbage, and hold what is given",
      async then(stage, session) {
        const { socketPath } = await stage.accessTo(session);
        for (let count = 0; count < CONNECTIONS; count += AT_ONCE) {
          const sockets = await Promise.all(
            Array.from({ length: AT_ONCE }, () => dialRaw(socketPath).catch(() => null)),
          );
          for (const socket of sockets) socket?.write("GET / HTTP/1.1\r\n\r\n");
          if (count % (10 * AT_ONCE) === 0)
            expect((await stage.gateway.execute(stage.neighbour, "2+2")).text).toBe("4");
          for (const socket of sockets) socket?.destroy();
        }
        return "survived";
      },
      reports: "survived",
    },
    {
      name: "in a sandbox's place, take every connection that there is, and say half a hello, byte by byte",
      async then(stage, session) {
        const own = await stage.accessTo(session);
        const sockets = await Promise.all(
          Array.from({ length: 32 }, () => dialRaw(own.socketPath).catch(() => null)),
        );
        const hello = helloFor({ boot: own.boot, key: null }, "spare", "").slice(0, -10);
        const closed = sockets.map(async (socket) => {
          if (socket === null || socket.closed) return;
          const end = new Promise((resolve) => socket.resume().once("close", resolve));
          for (const byte of hello) if (!socket.destroyed) socket.write(byte);
          await end;
        });
        expect((await stage.gateway.execute(stage.neighbour, "2+2")).text).toBe("4");
        await Promise.all(closed);
        return "closed";
      },
      reports: "closed",
    },
  ],
};
