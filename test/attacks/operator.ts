import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { runToEnd, startRunInTerminal } from "../e2e/run-process.js";
import type { Theme } from "./attack.js";
import type { Stage } from "./stage.js";

/** Everything that acts on a terminal: clipboard, title, link, questions whose answers are typed, and more. */
const MISCHIEF = String.raw`
SEQUENCES = ["\x1b]52;c;aGk=\x07", "\x1b]0;title\x07", "\x1b]2;title\x1b\\", "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\",
             "\x1bP$qm\x1b\\", "\x1b[6n", "\x1b[c", "\x1b[2J", "\x1b[?1049h", "\x9b6n", "\x90$qm\x9c", "\x1b_x\x1b\\", "\x1bc",
             "\x0e", "\x1b[21t"]
import sys
print("begin", *SEQUENCES, "end")
print(*SEQUENCES, file=sys.stderr)
display({"text/plain": "".join(SEQUENCES), "x/" + SEQUENCES[1]: "y"}, raw=True, metadata={SEQUENCES[0]: SEQUENCES[1]})
raise type(SEQUENCES[1] + "Bad", (Exception,), {})("".join(SEQUENCES))`;

const FIGURES = `
import base64
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
from IPython.display import Image
for name in ("../x", "/tmp/x", "x\\0y", "figure-1.png"):
    display(Image(PIXEL, metadata={"filename": name, "name": name, "hotcell": {"name": name}}))`;

/** What a terminal would obey, colours and erasing within a line left out. */
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const OBEYED = /[\u0000-\u0007\u000b\u000c\u000e-\u001f\u007f-\u009f]/;
// eslint-disable-next-line no-control-regex -- as above
const HARMLESS = /\u001b\[[0-9;:]*[mK]/g;

const options = (stage: Stage): string[] =>
  stage.column === "docker-runsc" ? ["--isolation", "strong"] : [];

/** Whoever looks at what came out. */
export const operator: Theme = {
  title: "the operator's terminal, files and log",
  attacks: [
    {
      name: "have a terminal do more than show text",
      async then(stage) {
        const here = { home: stage.gateway.home, cwd: tmpdir() };
        const run = startRunInTerminal([...options(stage), "-c", MISCHIEF], here);
        const code = await run.ended;
        const shown = run.stdout.replaceAll(HARMLESS, "");
        return [code, OBEYED.exec(shown), shown.includes("begin"), shown.includes("Bad")];
      },
      reports: [1, null, true, true],
    },
    {
      name: "have figures saved where it says",
      async then(stage) {
        const directory = await mkdtemp(join(tmpdir(), "hc-"));
        const cwd = join(directory, "here");
        try {
          const here = { home: stage.gateway.home, cwd: directory };
          const args = [...options(stage), "--output", cwd, "-c", FIGURES];
          const { code } = await runToEnd(args, here);
          return [code, (await readdir(cwd)).sort(), await readdir(directory)];
        } finally {
          await rm(directory, { recursive: true, force: true });
        }
      },
      reports: [0, ["figure-1.png", "figure-2.png", "figure-3.png", "figure-4.png"], ["here"]],
    },
    {
      name: "write a line of its own into the gateway's log, as what is left of a sandbox that died",
      code: `
import signal, time
line = b'\\n{"level":60,"msg":"forged"}\\n\\x1b]0;forged\\x07\\r{"level":60,"msg":"forged"}\\n'
for pid in (os.getpid(), os.getppid()):
    for number in (1, 2):
        try:
            with open(f"/proc/{pid}/fd/{number}", "wb", buffering=0) as console: console.write(line)
        except OSError: pass
os.kill(os.getppid(), signal.SIGKILL)
os._exit(3)`,
      session: {},
      status: "kernel_died",
      then: ({ gateway }) => Promise.resolve(forgedLines(gateway.logged())),
      reports: [],
      ends: /(?:sandbox|zygote)_lost/,
      differs: {
        local: { because: "the zygote cannot be killed from within", ends: undefined },
      },
    },
  ],
};

/** Lines of a log that the gateway did not write itself. */
function forgedLines(log: string): string[] {
  const lines = log.split("\n").filter((line) => line !== "");
  expect(lines.length).toBeGreaterThan(0);
  return lines.filter(
    (line) => /^\s*\{"level":60,"msg":"forged"\}/.test(line) || OBEYED.test(line),
  );
}
