import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import {
  runToEnd,
  type RunOptions,
  type RunProcess,
  startRun,
  startRunInTerminal,
} from "./run-process.js";
import { runtime } from "./runtime.js";
import { leftOf } from "./sandboxes.js";

const STUBBORN = [
  "import time",
  "print('begun', flush=True)",
  "while True:",
  "    try: time.sleep(60)",
  "    except KeyboardInterrupt: print('no', flush=True)",
].join("\n");

/** Escape sequences that act on a terminal, where people look: output, names, words and media types. */
const MISCHIEF = [
  "import sys",
  "print('\\x1b]0;title\\x07\\x1b]52;c;aGk=\\x07\\x1b[2J\\x9b5n\\x1b(0\\x0e\\x1bcoutput')",
  "sys.stdout.write('\\x1b'); sys.stdout.flush()",
  "sys.stdout.write('[2Jsplit\\n'); sys.stdout.flush()",
  "sys.stderr.write('\\x1bP$qm\\x1b\\\\errors\\n')",
  "display({'x/\\x1b]0;t\\x07y': 1}, raw=True)",
  "display({'text/plain': 'plain\\x1b[H'}, raw=True)",
  "E = type('\\x1b]0;name\\x07Bad\\x1b[2J', (Exception,), {})",
  "raise E('value\\x1b[6n\\x9b6n')",
].join("\n");

// eslint-disable-next-line no-control-regex -- control characters are what this is about
const OBEYED = /[\u0000-\u0007\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

let directory: string;
let gateway: GatewayProcess;
/** Where a gateway runs, and where none does. */
let beside: RunOptions;
let alone: RunOptions;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "hc-"));
  gateway = await startGatewayProcess();
  beside = { home: gateway.home, cwd: directory };
  // Sandboxes are looked for by the name of their home, among those of all the machine.
  alone = { home: join(directory, basename(directory)), cwd: directory };
});
afterAll(async () => {
  await gateway.close();
  await rm(directory, { recursive: true, force: true });
});

/** What a call that was a gateway of its own has left: sandboxes, files of sandboxes. */
async function leftOfCalls(): Promise<string[]> {
  const home = join(alone.home, "run", "1");
  return [
    ...(await leftOf(home)),
    ...(await readdir(join(home, "links"))),
    ...(await readdir(join(home, "sessions"))),
  ];
}

describe("hotcell run, where no gateway runs", () => {
  it("runs a file, and leaves nothing but its output", async () => {
    await writeFile(join(directory, "hello.py"), "print('hello')\n6 * 7");
    expect(await runToEnd(["hello.py"], alone)).toEqual({
      code: 0,
      stdout: "hello\n42\n",
      stderr: "",
    });
    expect(await leftOfCalls()).toEqual([]);
    expect((await stat(alone.home)).mode & 0o777).toBe(0o700);
    expect(existsSync(join(alone.home, "gateway.sock"))).toBe(false);
  });

  it("runs what is given, and what comes on standard input", async () => {
    expect(await runToEnd(["-c", "1 + 1"], alone)).toMatchObject({ code: 0, stdout: "2\n" });
    const piped = await runToEnd(["-"], { ...alone, stdin: "print('é' * 2)" });
    expect(piped).toMatchObject({ code: 0, stdout: "éé\n" });
  });

  it("says what is missing where no sandbox can be made", async () => {
    const env = { HOTCELL_RUNTIME: "docker", DOCKER_HOST: "unix:///nowhere.sock" };
    const run = await runToEnd(["-c", "1"], { ...alone, env });
    expect(run).toMatchObject({ code: 3, stdout: "" });
    expect(run.stderr).toContain("/nowhere.sock");
  });

  it("ends the code when it is told to end, and leaves nothing", async () => {
    const run = startRun(["-c", STUBBORN], alone);
    await run.until(/begun/);
    run.process.kill("SIGTERM");
    expect(await run.ended).toBe(143);
    expect(await leftOfCalls()).toEqual([]);
  });

  it("ends the code when nobody reads what it prints", async () => {
    const run = startRun(["-c", "while True: print('x' * 1000)"], alone);
    await run.until(/xx/);
    run.process.stdout.destroy();
    expect(await run.ended).toBe(141);
    expect(await leftOfCalls()).toEqual([]);
  });

  it("interrupts at the first Ctrl+C, and ends at the second", async () => {
    const run = startRun(["-c", STUBBORN], alone);
    await run.until(/begun/);
    run.process.kill("SIGINT");
    await run.until(/no/);
    run.process.kill("SIGINT");
    expect(await run.ended).toBe(130);
    expect(await leftOfCalls()).toEqual([]);
  });

  it("runs several at once, and cleans up after one that was killed", async () => {
    const killed = startRun(["-c", STUBBORN], alone);
    await killed.until(/begun/);
    const answers = await Promise.all(
      [1, 2].map((number) => runToEnd(["-c", `print(${number})`], alone)),
    );
    expect(answers.map(({ stdout }) => stdout)).toEqual(["1\n", "2\n"]);
    killed.process.kill("SIGKILL");
    await killed.ended;
    expect(await runToEnd(["-c", "3"], alone)).toMatchObject({ code: 0, stdout: "3\n" });
    expect(await leftOfCalls()).toEqual([]);
  });
});

describe("hotcell run", () => {
  it("prints as it comes", async () => {
    const code = "import time; print('first', flush=True); time.sleep(600)";
    const run = startRun(["-c", code], beside);
    await run.until(/first/);
    run.process.kill("SIGINT");
    expect(await run.ended).toBe(130);
  });

  it("saves figures under names of its own", async () => {
    const code = [
      "import matplotlib.pyplot as plt",
      "plt.plot([1, 2]); plt.title('../../x'); plt.show()",
      "plt.plot([2, 1]); plt.show()",
      "from IPython.display import SVG",
      "SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>')",
    ].join("\n");
    const run = await runToEnd(["-c", code, "--output", "plots"], beside);
    expect(run).toMatchObject({ code: 0, stdout: "" });
    expect(run.stderr).toBe(
      "Saved plots/figure-1.png\nSaved plots/figure-2.png\nSaved plots/figure-3.svg\n",
    );
    const png = await readFile(join(directory, "plots", "figure-2.png"));
    expect(png.subarray(1, 4).toString()).toBe("PNG");
    await runToEnd(["-c", code, "--output", "plots"], beside);
    expect(await readdir(join(directory, "plots"))).toHaveLength(6);
  });

  it("saves a figure that is too large for one event", async () => {
    const code = [
      "import os",
      "picture = b'\\x89PNG\\r\\n\\x1a\\n' + os.urandom(12 * 1024**2)",
      "from IPython.display import Image",
      "Image(picture)",
    ].join("\n");
    const run = await runToEnd(["-c", code, "--output", "large"], beside);
    expect(run).toMatchObject({ code: 0, stderr: "Saved large/figure-1.png\n" });
    const picture = await readFile(join(directory, "large", "figure-1.png"));
    expect(picture.length).toBe(8 + 12 * 1024 ** 2);
    expect(picture.subarray(1, 4).toString()).toBe("PNG");
  });

  it.each([
    [["-c", "1 / 0"], 1, /ZeroDivisionError: division by zero/],
    [["-c", "import sys; sys.exit(3)"], 3, /^$/],
    [["-c", "import sys; sys.exit('enough')"], 1, /^enough\n$/],
    [["-c", "import sys; sys.exit()"], 0, /^$/],
    [["-t", "1", "-c", "while True: pass"], 124, /Stopped at its deadline/],
    [["-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"], 137, /interpreter died/],
    [["-c", "input()"], 1, /answered only where standard input is a terminal/],
    [["none.py"], 2, /none\.py is not there/],
    [["-c", "1", "--image", "none"], 4, /image/i],
    [["-c", "1", "--config", "none.yaml"], 2, /none\.yaml/],
  ])("exits as the run did: %j", async (args, code, said) => {
    const run = await runToEnd(args, beside);
    expect(run).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(said) as string });
  });

  it("prints one JSON document, and nothing else", async () => {
    const code =
      "import matplotlib.pyplot as plt; print('\\x1b[2J\\x9b'); plt.plot([1]); plt.show(); 1/0";
    const run = await runToEnd(["--json", "-c", code], beside);
    expect(run).toMatchObject({ code: 1, stderr: "" });
    expect(run.stdout.trimEnd()).not.toMatch(OBEYED);
    expect(JSON.parse(run.stdout)).toMatchObject({
      status: "error",
      images: [{ media_type: "image/png" }],
      outputs: [
        { text: "\u001b[2J\u009b\n" },
        { output_type: "display_data" },
        { ename: "ZeroDivisionError" },
      ],
    });
    expect(existsSync(join(directory, "figure-1.png"))).toBe(false);
  });

  it("sets variables and the directory for the code", async () => {
    const code = "import os; print(os.environ['A'], os.environ['B'], os.getcwd())";
    const args = ["-e", "A=1 2", "-e", "B", "--cwd", "/tmp", "-c", code];
    const run = await runToEnd(args, { ...beside, env: { B: "passed" } });
    expect(run).toMatchObject({ code: 0, stdout: "1 2 passed /tmp\n" });
  });

  it("lets no sequence through to a terminal that it would obey, whoever prints it", async () => {
    const run = await runToEnd(["-c", MISCHIEF], beside);
    expect(run).toMatchObject({ code: 1, stdout: "output\nsplit\nplain\n" });
    expect(run.stderr).not.toMatch(OBEYED);
    expect(run.stderr).toContain("errors\n[a value that is not text: x/y]\n");
    expect(run.stderr).toContain("Bad: value");
  });
});

describe("hotcell run in a terminal", () => {
  const pressed = (run: RunProcess, keys: string): boolean => run.process.stdin.write(keys);

  it("keeps colours, and takes back those that were left on", async () => {
    const run = startRunInTerminal(
      ["-c", "print('\\x1b[31mred\\x1b[0m\\x1b]0;t\\x07 \\x1b[35mon')"],
      beside,
    );
    expect(await run.ended).toBe(0);
    expect(run.stdout).toContain("\u001b[31mred\u001b[0m \u001b[35mon\r\n\u001b[0m");
    expect(run.stdout).not.toContain("]0;");
  });

  it("asks for input there, without showing passwords", async () => {
    const code =
      "from getpass import getpass\nn = input('name? ')\np = getpass('pass? ')\nprint(n, len(p))";
    const run = startRunInTerminal(["-c", code], beside);
    await run.until(/name\? /);
    pressed(run, "Ada\r");
    await run.until(/pass\? /);
    pressed(run, "secret\r");
    expect(await run.ended).toBe(0);
    expect(run.stdout).toContain("Ada 6");
    expect(run.stdout).not.toContain("secret");
  });

  it.each([
    ["Ctrl+C", "\u0003"],
    ["Ctrl+D", "\u0004"],
  ])("interrupts by %s what waits for input", async (_name, key) => {
    const run = startRunInTerminal(["-c", "input('name? ')"], beside);
    await run.until(/name\? /);
    pressed(run, key);
    expect(await run.ended).toBe(130);
    expect(run.stdout).toContain("KeyboardInterrupt");
  });
});

describe("hotcell run --session, where no gateway runs", () => {
  it("starts one in the background that keeps the state for the next call", async () => {
    let pid: number | undefined;
    try {
      // A key that is configured for something else does not change whose gateway it is.
      const env = { HOTCELL_API_KEY: "a-key-of-another-gateway" };
      const first = await runToEnd(["--session", "a", "-c", "x = 41"], { ...alone, env });
      pid = Number(/process (\d+)/.exec(first.stderr)?.[1]);
      expect(first).toMatchObject({ code: 0, stdout: "" });
      expect(first.stderr).toContain(`kill ${pid}`);
      expect(await runToEnd(["--session", "a", "-c", "x + 1"], alone)).toEqual({
        code: 0,
        stdout: "42\n",
        stderr: "",
      });
      expect((await stat(join(alone.home, "gateway.log"))).mode & 0o777).toBe(0o600);
      const key = (await readFile(join(alone.home, "key"), "utf8")).trim();
      expect(await readFile(join(alone.home, "gateway.log"), "utf8")).not.toContain(key);
      expect(await readFile(`/proc/${pid}/cmdline`, "utf8")).not.toContain(key);

      const other = await runToEnd(["-c", "'x' in globals()"], alone);
      expect(other).toEqual({ code: 0, stdout: "False\n", stderr: "" });
      expect(await leftOf(alone.home)).toHaveLength(1);
      const differs = await runToEnd(["--session", "a", "--isolation", "strong", "-c", "1"], alone);
      expect(differs.code).toBe(4);
      expect(differs.stderr).toContain("isolation standard");
    } finally {
      if (pid !== undefined) {
        process.kill(pid, "SIGTERM");
        await expect.poll(() => existsSync(join(alone.home, "gateway.sock"))).toBe(false);
      }
    }
    expect(await leftOf(alone.home)).toEqual([]);
  });

  it("starts one for several calls at once", async () => {
    const runs = await Promise.all(
      ["a", "b", "c"].map((name) => runToEnd(["--session", name, "-c", `'${name}'`], alone)),
    );
    const pids = runs.flatMap(({ stderr }) => /process (\d+)/.exec(stderr)?.[1] ?? []);
    try {
      expect(runs.map(({ code, stdout }) => [code, stdout])).toEqual([
        [0, "'a'\n"],
        [0, "'b'\n"],
        [0, "'c'\n"],
      ]);
      expect(pids).toHaveLength(1);
    } finally {
      for (const pid of pids) process.kill(Number(pid), "SIGTERM");
      await expect.poll(() => existsSync(join(alone.home, "gateway.sock"))).toBe(false);
    }
  });

  it("says why one could not be started", async () => {
    const env = { HOTCELL_RUNTIME: "docker", DOCKER_HOST: "unix:///nowhere.sock" };
    const run = await runToEnd(["--session", "a", "-c", "1"], { ...alone, env });
    expect(run).toMatchObject({ code: 3, stdout: "" });
    expect(run.stderr).toContain("/nowhere.sock");
  });
});

describe("hotcell serve --exit-when-idle", () => {
  it("ends when there has been no session, and not while there is one", async () => {
    const gateway = await startGatewayProcess({ args: ["--exit-when-idle", "1"] });
    try {
      const id = await gateway.session();
      expect((await gateway.execute(id, "import time; time.sleep(1.5)")).status).toBe("ok");
      expect((await gateway.execute(id, "'here'")).text).toBe("'here'");
      await gateway.call("DELETE", `/v1/sessions/${id}`);
      await expect.poll(() => gateway.process.exitCode, { timeout: 20_000 }).toBe(0);
      expect(await leftOf(gateway.home)).toEqual([]);
    } finally {
      await gateway.close();
    }
  });
});

describe("hotcell run, where a gateway runs", () => {
  const elsewhere = (): RunOptions => ({ home: join(directory, "unused"), cwd: directory });

  it("uses the one of its home, and leaves no session there", async () => {
    const run = await runToEnd(["-c", "'used'"], { home: gateway.home, cwd: directory });
    expect(run).toEqual({ code: 0, stdout: "'used'\n", stderr: "" });
    expect(gateway.logged()).toContain('"route":"/v1/sessions/:session_id/execute"');
    expect(existsSync(join(gateway.home, "run"))).toBe(false);
    expect(await (await gateway.call("GET", "/v1/sessions")).json()).toMatchObject({
      sessions: [],
    });
  });

  it("uses the one that it is told, by flags and by the environment", async () => {
    const flags = ["--gateway", gateway.url, "--key", gateway.key, "--session", "told"];
    expect(await runToEnd([...flags, "-c", "x = 1"], elsewhere())).toMatchObject({ code: 0 });
    const env = { HOTCELL_GATEWAY_URL: `${gateway.url}/`, HOTCELL_API_KEY: gateway.key };
    expect(await runToEnd(["--session", "told", "-c", "x + 1"], { ...elsewhere(), env })).toEqual({
      code: 0,
      stdout: "2\n",
      stderr: "",
    });
    expect((await gateway.execute("told", "x + 2")).text).toBe("3");
    expect(existsSync(join(directory, "unused"))).toBe(false);
  });

  it.each([
    [() => ["--gateway", gateway.url], 2, "needs a key"],
    [() => ["--gateway", gateway.url, "--key", "wrong-key-of-nobody"], 4, "The key is not valid"],
    [() => ["--gateway", "http://127.0.0.1:9", "--key", "x"], 4, "http://127.0.0.1:9"],
    [
      () => ["--runtime", runtime === "docker" ? "local" : "docker", "--home", gateway.home],
      4,
      runtime,
    ],
  ])("says what is wrong with what it is told (%#)", async (args, code, said) => {
    const run = await runToEnd([...args(), "-c", "1"], elsewhere());
    expect(run).toMatchObject({ code, stdout: "" });
    expect(run.stderr).toContain(said);
  });

  it("cancels the code in a session that stays when it is killed", async () => {
    const args = ["--gateway", gateway.url, "--key", gateway.key, "--session", "stays"];
    await runToEnd([...args, "-c", "x = 1"], elsewhere());
    const run = startRun(
      [...args, "-c", "print('begun'); import time; time.sleep(600)"],
      elsewhere(),
    );
    await run.until(/begun/);
    run.process.kill("SIGKILL");
    await run.ended;
    expect((await gateway.execute("stays", "x + 1")).text).toBe("2");
  });

  it("says that the gateway has gone while the code ran", async () => {
    const gone = await startGatewayProcess();
    try {
      const run = startRun(["-c", "print('begun'); import time; time.sleep(600)"], {
        home: gone.home,
        cwd: directory,
      });
      await run.until(/begun/);
      await gone.stop("SIGKILL");
      expect(await run.ended).toBe(4);
      expect(run.stderr).toMatch(/gateway/);
      const next = await startGatewayProcess({ home: gone.home });
      await next.stop();
      expect(await leftOf(gone.home)).toEqual([]);
    } finally {
      await gone.close();
    }
  });

  it("says that the gateway was stopped while the code ran", async () => {
    const stopped = await startGatewayProcess();
    try {
      const run = startRun(["-c", "print('begun'); import time; time.sleep(600)"], {
        home: stopped.home,
        cwd: directory,
      });
      await run.until(/begun/);
      await stopped.stop();
      expect(await run.ended).toBe(4);
      expect(run.stderr).toContain("gateway_stopped");
    } finally {
      await stopped.close();
    }
  });
});
