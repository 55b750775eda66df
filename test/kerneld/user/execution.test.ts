import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  endOf,
  ofType,
  openUserSide,
  python,
  textOf,
  type RunOptions,
  type UserSide,
  valueOf,
} from "./user-side.js";

let side: UserSide;
beforeAll(async () => {
  side = await openUserSide();
  await side.start("a");
});
afterAll(async () => side.close());

const run = async (code: string, options?: RunOptions) => side.execute("a", code, options);
const plain = (lines: string[] = []) => stripVTControlCharacters(lines.join("\n"));

describe("a request to execute", () => {
  it("is answered with busy, input, result, reply and idle", async () => {
    const { messages, reply } = await run("6 * 7");
    expect(messages.map(({ msg_type, content }) => content.execution_state ?? msg_type)).toEqual([
      "busy",
      "execute_input",
      "execute_result",
      "idle",
    ]);
    const count = reply?.content.execution_count;
    expect(messages[1]?.content).toEqual({ code: "6 * 7", execution_count: count });
    expect(messages[2]?.content).toEqual({
      data: { "text/plain": "42" },
      metadata: {},
      execution_count: count,
    });
    expect(reply?.content).toMatchObject({ status: "ok", payload: [], user_expressions: {} });
  });

  it("keeps variables, counts, and remembers results", async () => {
    await run("x = 20");
    expect(valueOf(await run("x + 1"))).toBe("21");
    expect(valueOf(await run("_ * 2"))).toBe("42");
  });

  it("evaluates user expressions after success", async () => {
    const { reply } = await run("y = 3", { user_expressions: { good: "y + 1", bad: "nope" } });
    expect(reply?.content.user_expressions).toMatchObject({
      good: { status: "ok", data: { "text/plain": "4" } },
      bad: { status: "error", ename: "NameError" },
    });
  });

  it("says an error once, with a traceback that shows only user code", async () => {
    const { messages, reply } = await run("def f():\n    return 1 / 0\nprint('before')\nf()");
    const [error, ...others] = ofType(messages, "error");
    expect(others).toEqual([]);
    expect(error?.content).toMatchObject({
      ename: "ZeroDivisionError",
      evalue: "division by zero",
    });
    expect(plain(error?.content.traceback)).not.toMatch(/kerneld|ipykernel\/|IPython\/core/);
    expect(reply?.content).toMatchObject({ status: "error", ename: "ZeroDivisionError" });
    expect(messages.map(({ msg_type }) => msg_type)).toEqual([
      ...["status", "execute_input", "stream", "error", "status"],
    ]);
  });

  it.each([
    ["SyntaxError", "def f(:"],
    ["UsageError", "%nope"],
    ["SystemExit", "import sys; sys.exit(3)"],
    ["ExceptionGroup", "raise ExceptionGroup('both', [ValueError(1), KeyError(2)])"],
    ["KeyboardInterrupt", "raise KeyboardInterrupt"],
    ["Mute", "class Mute(Exception):\n  def __str__(self): raise KeyError\nraise Mute"],
    ["RecursionError", "def f(): f()\nf()"],
    ["CancelledError", "import asyncio; raise asyncio.CancelledError"],
    ["TypeError", "None + 1"],
    ["UnicodeEncodeError", "'half \ud800'"],
    ["SyntaxError", "1 + \0"],
    ["StdinNotImplementedError", "input()"],
  ])("says %s once", async (name, code) => {
    const failed = await run(code);
    expect(endOf(failed)).toBe(name);
    expect(ofType(failed.messages, "error").map(({ content }) => content.ename)) //
      .toEqual([name]);
    expect(valueOf(await run("1 + 1"))).toBe("2");
  });

  it("bounds what an error says", async () => {
    const { messages } = await run("raise ValueError('x' * 10_000_000)");
    expect(ofType(messages, "error")[0]?.bytes).toBeLessThan(1024 * 1024);
  });

  it("with code that is not text is an error", async () => {
    const { reply } = await run("", { content: { code: 5 } });
    expect(reply?.content).toMatchObject({ status: "error", ename: "TypeError" });
  });

  it("of 1 MiB of code works", async () => {
    expect(valueOf(await run(`len("${"x".repeat(1024 * 1024)}")`))).toBe("1048576");
  });

  it("awaits at the top level", async () => {
    expect(valueOf(await run("import asyncio; await asyncio.sleep(0.01, 'slept')"))) //
      .toBe("'slept'");
  });

  it("survives code that cancels every task it finds", async () => {
    const code = "import asyncio\nfor task in asyncio.all_tasks(): task.cancel()";
    expect(endOf(await run(code))).toBe("ok");
    const awaiting = await run(`${code}\nawait asyncio.sleep(5)`);
    expect(endOf(awaiting)).toBe("CancelledError");
    expect(ofType(awaiting.messages, "error")).toHaveLength(1);
    expect(valueOf(await run("1 + 1"))).toBe("2");
  });

  it("runs magics and shell commands", async () => {
    const { messages } = await run("%cd -q /tmp\n!pwd\n%cd -q /workspace");
    expect(textOf(messages)).toContain("/tmp");
  });

  it("that fails aborts what waits behind it, and with stop_on_error false does not", async () => {
    const codes = ["import time; time.sleep(0.3); 1 / 0", "2", "3"];
    const stopped = await side.executeAll("a", codes);
    expect(stopped.map(({ reply }) => reply?.content.status)) //
      .toEqual(["error", "aborted", "aborted"]);
    expect(stopped[1]?.messages.map(({ content }) => content.execution_state)) //
      .toEqual(["busy", "idle"]);
    const went = await side.executeAll("a", codes, { stop_on_error: false });
    expect(went.map(({ reply }) => reply?.content.status)).toEqual(["error", "ok", "ok"]);
  });

  it("with silent shows no result and does not count", async () => {
    const before = Number((await run("0")).reply?.content.execution_count);
    const silent = await run("5", { content: { silent: true, store_history: false } });
    expect(ofType(silent.messages, "execute_result")).toEqual([]);
    expect((await run("0")).reply?.content.execution_count).toBe(before + 1);
  });
});

describe("an interrupt", () => {
  it("that comes again while it is shown changes nothing of what is shown", async () => {
    const code = `import IPython.core.ultratb as ultratb, os, signal
def shown(*args, render=ultratb.VerboseTB.structured_traceback, **kwargs):
    for _ in range(3):
        os.kill(os.getpid(), signal.SIGINT)
    return render(*args, **kwargs)
ultratb.VerboseTB.structured_traceback = shown
try:
    os.kill(os.getpid(), signal.SIGINT)
finally:
    1 + 1`;
    const { messages } = await run(code);
    await run("ultratb.VerboseTB.structured_traceback = shown.__kwdefaults__['render']");
    expect(ofType(messages, "stream")).toEqual([]);
    const [error] = ofType(messages, "error");
    expect(error?.content).toMatchObject({ ename: "KeyboardInterrupt" });
    expect((error?.content as { traceback: string[] }).traceback.length).toBeGreaterThan(2);
    expect(valueOf(await run("6 * 7"))).toBe("42");
  });

  it.each([
    ["a loop", "while True: pass"],
    ["a sleep", "import time; time.sleep(60)"],
    ["a wait of the event loop", "import asyncio; await asyncio.sleep(60)"],
    ["a loop after an await", "import asyncio; await asyncio.sleep(0)\nwhile True: pass"],
    [
      "a loop in a task of the run",
      "async def f():\n  while True: pass\nimport asyncio; await asyncio.gather(f())",
    ],
    [
      "a loop in a task that nobody awaits",
      "async def f():\n  while True: pass\nimport asyncio; t = asyncio.create_task(f()); await asyncio.sleep(60)",
    ],
    ["a flood of output", "while True: print('x' * 10_000)"],
    ["a loop whose handler user code replaced before", "while True: pass"],
  ])("ends %s", async (what, code) => {
    if (what.includes("handler")) {
      await run("import signal; _ = signal.signal(signal.SIGINT, signal.SIG_IGN)");
    }
    const interrupted = await run(`print("go", flush=True)\n${code}`, {
      interrupt_at: "go",
      brief: true,
    });
    expect(endOf(interrupted)).toBe("KeyboardInterrupt");
    const [error] = ofType(interrupted.messages, "error");
    expect(plain(error?.content.traceback)).not.toContain("/kerneld/");
    expect(valueOf(await run("1 + 1"))).toBe("2");
  });

  it("that the main thread could not hear, for it was just about to wait, is said again", async () => {
    // Another thread takes the signal, so that the wait goes on, as it does when the signal comes right before it.
    const code = python`
      import signal, threading, time
      other = threading.Thread(target=time.sleep, args=(1,))
      other.start()
      threading.Timer(0.1, lambda: signal.pthread_kill(other.ident, signal.SIGINT)).start()
      time.sleep(60)`;
    expect(endOf(await run(code, { timeout_s: 10 }))).toBe("KeyboardInterrupt");
  });

  it("ends a run where user code's own event loop hears signals, and leaves them to it", async () => {
    await side.start("listening");
    const listen = python`
      import asyncio, os, signal
      heard = []
      asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, heard.append, 1)
      print("go", flush=True)
      await asyncio.sleep(60)`;
    expect(endOf(await side.execute("listening", listen, { interrupt_at: "go" }))) //
      .toBe("KeyboardInterrupt");
    await side.execute("listening", "os.kill(os.getpid(), signal.SIGUSR1)");
    expect(valueOf(await side.execute("listening", "await asyncio.sleep(0.05); heard"))).toBe(
      "[1]",
    );
  });

  it("is said once to who hears it", async () => {
    const code = python`
      import time
      try:
          print("go", flush=True)
          time.sleep(60)
      except KeyboardInterrupt:
          time.sleep(0.2)
      "cleaned up"`;
    expect(valueOf(await run(code, { interrupt_at: "go" }))).toBe("'cleaned up'");
  });

  it("ends tasks wherever it finds the event loop", async () => {
    const code = python`
      async def f():
          while True: pass
      import asyncio
      print("go", flush=True)
      await asyncio.gather(f())`;
    for (let n = 0; n < 50; n++) {
      expect(endOf(await run(code, { interrupt_at: "go", timeout_s: 10 }))) //
        .toBe("KeyboardInterrupt");
    }
  });

  it("before a task of the run has begun does not leave it to take the kernel for ever", async () => {
    const code = python`
      import asyncio, signal
      async def f():
          while True: pass
      both = asyncio.gather(f(), asyncio.sleep(0))
      signal.raise_signal(signal.SIGINT)
      await both`;
    expect(endOf(await run(code, { timeout_s: 10 }))).toBe("KeyboardInterrupt");
    expect(valueOf(await run("1 + 1"))).toBe("2");
  });

  it("leaves tasks alone that have begun", async () => {
    const code = python`
      import asyncio, signal
      done = []
      async def f():
          await asyncio.sleep(0.1)
          done.append("whole")
      task = asyncio.create_task(f())
      await asyncio.sleep(0)
      signal.raise_signal(signal.SIGINT)
      await asyncio.sleep(60)`;
    expect(endOf(await run(code))).toBe("KeyboardInterrupt");
    expect(valueOf(await run("await asyncio.sleep(0.3); done"))).toBe("['whole']");
  });

  it("ends a run that waits for its reader", async () => {
    await side.start("waiting", { receive_high_water_mark: 10 });
    const flood = "print('go', flush=True)\nwhile True: print('x' * 100_000)";
    const options = { pause_at: "go", pause_s: 0.5, interrupt_at: "go", brief: true };
    for (let n = 0; n < 3; n++) {
      expect(endOf(await side.execute("waiting", flood, options))).toBe("KeyboardInterrupt");
    }
    expect(valueOf(await side.execute("waiting", "1 + 1"))).toBe("2");
  });

  it("between runs changes nothing", async () => {
    await run("kept = 'kept'");
    for (let n = 0; n < 20; n++) await side.call("signal", { name: "a" });
    expect(valueOf(await run("kept"))).toBe("'kept'");
  });

  it("asked for on the control channel ends the run too", async () => {
    // The driver does one thing at a time, so the request comes out of the run itself.
    const code = python`
      import json, threading, zmq
      def ask():
          control = zmq.Context.instance().socket(zmq.DEALER)
          control.connect("ipc:///run/kernels/a/control")
          header = json.dumps({"msg_id": "1", "msg_type": "interrupt_request"}).encode()
          control.send_multipart([b"<IDS|MSG>", b"", header, b"{}", b"{}", b"{}"])
      threading.Timer(0.2, ask).start()
      while True: pass`;
    expect(endOf(await run(code))).toBe("KeyboardInterrupt");
  });
});

describe("input", () => {
  it("asks the client, getpass as a password", async () => {
    const asked = await run("import getpass; [input('name? '), getpass.getpass('word? ')]", {
      answers: ["Ada", "secret"],
    });
    expect(valueOf(asked)).toBe("['Ada', 'secret']");
    expect(ofType(asked.messages, "input_request").map(({ content }) => content)) //
      .toEqual([
        { prompt: "name? ", password: false },
        { prompt: "word? ", password: true },
      ]);
  });

  it("comes after what was printed before it", async () => {
    const asked = await run("print('first'); _ = input('then?')", { answers: ["x"] });
    const types = asked.messages.map(({ msg_type }) => msg_type);
    expect(types.indexOf("stream")).toBeLessThan(types.indexOf("input_request"));
  });

  it("ends with EOFError when the client says so", async () => {
    expect(endOf(await run("input()", { answers: ["\u0004"] }))).toBe("EOFError");
  });

  it("that waits is freed by an interrupt, and its late answer is nobody's", async () => {
    expect(endOf(await run("input('now? ')", { answers: [], interrupt_at: "now?" }))) //
      .toBe("KeyboardInterrupt");
    expect(valueOf(await run("input('again? ')", { answers: ["right"] }))).toBe("'right'");
  });
});

describe("a run's own variables and directory", () => {
  const metadata = {
    hotcell: { run: "r1", env: { WORD: "here", HOME: "/tmp" }, cwd: "made/deep" },
  };
  const look = "import os; (os.environ.get('WORD'), os.environ['HOME'], os.getcwd())";
  const usual = "(None, '/workspace', '/workspace')";

  it("hold for it, also for programs, and for no other", async () => {
    expect(valueOf(await run(look, { metadata }))) //
      .toBe("('here', '/tmp', '/workspace/made/deep')");
    const shell = await run("_ = os.system('echo $WORD; pwd')", { metadata });
    expect(textOf(shell.messages)).toBe("here\n/workspace/made/deep\n");
    expect(valueOf(await run(look))).toBe(usual);
  });

  it("are put back after an error, and after the run changed them", async () => {
    await run("os.environ['WORD'] = 'mine'; os.chdir('/'); 1 / 0", { metadata });
    expect(valueOf(await run(look))).toBe(usual);
  });

  it("that cannot be had are the run's error", async () => {
    const there = { hotcell: { run: "r2", env: null, cwd: "/etc/passwd" } };
    expect(endOf(await run("1", { metadata: there }))).toBe("FileExistsError");
    const bad = { hotcell: { run: "r3", env: { "a=b": "" }, cwd: null } };
    expect(endOf(await run("1", { metadata: bad }))).toBe("ValueError");
    expect(valueOf(await run(look))).toBe(usual);
  });
});

describe("the end of a kernel", () => {
  it("by exit() is a reply that says so, then exit code 0, with exit handlers run", async () => {
    const { pid } = await side.start("leaving");
    const code = "import atexit; atexit.register(print, 'bye', flush=True); exit()";
    const left = await side.execute("leaving", code, { until_death: true });
    expect(left.reply?.content).toMatchObject({
      status: "ok",
      payload: [{ source: "ask_exit", keepkernel: false }],
    });
    expect(ofType(left.messages, "status").at(-1)?.content.execution_state).toBe("idle");
    expect(textOf(left.messages)).toBe("bye\n");
    expect(await side.exited(pid)).toMatchObject({ exit_code: 0, signal: null });
  });

  it("by quit() does not wait for threads and executors that never end", async () => {
    const { pid } = await side.start("busy");
    const code = python`
      import threading, time
      threading.Thread(target=time.sleep, args=(600,)).start()
      quit()`;
    await side.execute("busy", code, { until_death: true });
    expect(await side.exited(pid)).toMatchObject({ exit_code: 0 });
  });

  it("by os._exit or a signal is told as it was", async () => {
    const first = await side.start("exits");
    await side.execute("exits", "import os; os._exit(7)", { until_death: true });
    expect(await side.exited(first.pid)).toMatchObject({ exit_code: 7, signal: null });
    const second = await side.start("killed");
    await side.execute("killed", "import os; os.kill(os.getpid(), 9)", { until_death: true });
    expect(await side.exited(second.pid)).toMatchObject({ exit_code: null, signal: 9 });
  });

  it("by a crash leaves a traceback on the console", async () => {
    const { pid } = await side.start("crashes");
    await side.execute("crashes", "import ctypes; ctypes.string_at(0)", { until_death: true });
    expect(await side.exited(pid)).toMatchObject({ signal: 11 });
    expect(await side.call("console")).toContain("Segmentation fault");
  });

  it("by shutdown_request is exit code 0", async () => {
    const { pid } = await side.start("shut");
    const reply = await side.request("shut", "shutdown_request", { restart: false }, "control");
    expect(reply.content).toEqual({ status: "ok", restart: false });
    expect(await side.exited(pid)).toMatchObject({ exit_code: 0 });
  });
});
