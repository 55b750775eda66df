import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  endOf,
  ofType,
  openUserSide,
  python,
  textOf,
  type UserSide,
  valueOf,
} from "./user-side.js";

let side: UserSide;
beforeAll(async () => {
  side = await openUserSide();
  await side.start("a");
});
afterAll(async () => side.close());

const run: UserSide["execute"] = async (_, code, options) => side.execute("a", code, options);
const say = async (code: string) => textOf((await run("a", code)).messages);

describe("printed text", () => {
  it("comes in the order in which both streams were written", async () => {
    const { messages } = await run(
      "a",
      python`
        import sys
        for n in range(3):
            print("out", n); print("err", n, file=sys.stderr)`,
    );
    expect(textOf(messages)).toBe("out 0\nerr 0\nout 1\nerr 1\nout 2\nerr 2\n");
    expect(textOf(messages, "stderr")).toBe("err 0\nerr 1\nerr 2\n");
  });

  it("arrives while the main thread computes", async () => {
    const { messages } = await run(
      "a",
      python`
        import time
        print("early")
        end = time.monotonic() + 1
        while time.monotonic() < end: pass
        print("late")`,
    );
    const [early, late] = ofType(messages, "stream");
    expect([early?.content.text, late?.content.text]).toEqual(["early\n", "late\n"]);
    expect((late?.at ?? 0) - (early?.at ?? 0)).toBeGreaterThan(0.5);
  });

  it("is whole and in few messages when there is much of it", async () => {
    const { messages } = await run("a", "for n in range(100_000): print(n)");
    const expected = Array.from({ length: 100_000 }, (_, n) => `${n}\n`).join("");
    expect(textOf(messages) === expected).toBe(true);
    expect(ofType(messages, "stream").length).toBeLessThan(500);
  });

  it("is split into messages of at most 256 KiB between characters", async () => {
    const { messages } = await run("a", `print("€😀" * 200_000, end="")`);
    const streams = ofType(messages, "stream");
    expect(textOf(messages) === "€😀".repeat(200_000)).toBe(true);
    expect(Math.max(...streams.map(({ content }) => Buffer.byteLength(content.text ?? "")))) //
      .toBeLessThanOrEqual(256 * 1024);
    expect(streams.length).toBeLessThan(20);
  });

  it("loses nothing while the reader pauses, and keeps memory bounded", async () => {
    const code = python`
      import resource
      print("go", flush=True)
      for n in range(300): print("x" * 262_143)
      print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)`;
    await side.start("slow", { receive_high_water_mark: 10 });
    const { messages, reply } = await side.execute("slow", code, { pause_at: "go", pause_s: 1.5 });
    expect(reply?.content).toMatchObject({ status: "ok" });
    const text = textOf(messages);
    expect(text.length).toBe(
      "go\n".length + 300 * 262_144 + text.slice(text.indexOf("peak")).length,
    );
    expect(Number(/peak (\d+)/.exec(text)?.[1])).toBeLessThan(220);
  });

  it("keeps carriage returns", async () => {
    expect(await say(`print("1%\\r50%\\r100%")`)).toBe("1%\r50%\r100%\n");
  });

  it("survives unpaired surrogates and NUL", async () => {
    expect(await say(`print("a\\ud800b\\x00c \\ud83d\\ude00")`)).toBe("a\ufffdb\0c 😀\n");
  });

  it("takes bytes through buffer, also when a character comes in two pieces", async () => {
    const code = python`
      import sys
      sys.stdout.buffer.write(b"\xe2\x82")
      sys.stdout.buffer.write(b"\xac!")
      sys.stdout.flush()`;
    expect(await say(code)).toBe("€!");
  });
});

describe("the streams", () => {
  it("look like files that are no terminal", async () => {
    const code = `import sys; s = sys.stdout; [s.isatty(), s.encoding, s.fileno(), s.writable(), s.closed]`;
    expect(valueOf(await run("a", code))).toBe("[False, 'utf-8', 1, True, False]");
  });

  it("refuse what is not text", async () => {
    expect(endOf(await run("a", "import sys; sys.stdout.write(b'x')"))).toBe("TypeError");
  });

  it.each([
    ["closed", "sys.stdout.close(); print(1)", "ValueError"],
    ["set to None", "sys.stdout = sys.stderr = None; print(1)", "ok"],
    ["replaced", "sys.stdout = sys.stderr = object(); print(1)", "AttributeError"],
    ["wrapped and dropped", "import io; sys.stdout = io.TextIOWrapper(sys.stdout.buffer)", "ok"],
    ["closed underneath", "import os; os.close(1); os.close(2)", "ok"],
  ])("work again in the next run after they were %s", async (_, code, end) => {
    const spoiled = await run("a", `import sys; ${code}`);
    expect(endOf(spoiled)).toBe(end);
    expect(ofType(spoiled.messages, "error")).toHaveLength(end === "ok" ? 0 : 1);
    const next = await run("a", "print('fine'); import os; _ = os.system('echo too')");
    expect([endOf(next), textOf(next.messages)]).toEqual(["ok", "fine\ntoo\n"]);
  });

  it("can be wrapped as scripts do it", async () => {
    const code = python`
      import io, sys
      sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
      print("é", file=io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", line_buffering=True))`;
    expect(await say(code)).toBe("é\n");
  });

  it("may be printed to by a finaliser at any moment", async () => {
    const code = python`
      class Loud:
          def __init__(self): self.me = self
          def __del__(self): print("gone")
      for n in range(3000): Loud(); print("x" * 100)
      import gc; _ = gc.collect()`;
    const { messages } = await run("a", code);
    expect(textOf(messages).match(/gone/g)).toHaveLength(3000);
  });
});

describe("output at the level of descriptors", () => {
  it("belongs to the run, in order with what Python prints", async () => {
    const code = python`
      import os, subprocess
      print("a"); _ = os.system("echo b"); print("c")
      _ = subprocess.run(["echo", "d"]); print("e")
      os.write(1, b"f\n"); _ = os.system("echo g >&2")`;
    const { messages } = await run("a", code);
    expect(textOf(messages, "stdout")).toBe("a\nb\nc\nd\ne\nf\n");
    expect(textOf(messages, "stderr")).toBe("g\n");
  });

  it("includes what C's stdio still holds when the run ends", async () => {
    const code = "import ctypes; _ = ctypes.CDLL(None).printf(b'from C')";
    expect(await say(code)).toBe("from C");
  });

  it("does not hold the end of the run up when a program goes on writing", async () => {
    const program = "import subprocess; p = subprocess.Popen(['yes']); _ = p.pid";
    const { reply } = await run("a", program, { brief: true });
    expect(reply?.content.status).toBe("ok");
    await run("a", "p.kill(); _ = p.wait()", { brief: true });
    expect(valueOf(await run("a", "1 + 1"))).toBe("2");
  });

  it("of 50 MB comes whole", async () => {
    const code = "import os; _ = os.system('head -c 50000000 /dev/zero | tr \"\\\\0\" x')";
    const { messages } = await run("a", code, { brief: true });
    const lengths = ofType(messages, "stream").map(({ content }) => content.text_length ?? 0);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(50_000_000);
  });
});

describe("the parent of an output", () => {
  it("is the run that started the thread, also after its end", async () => {
    const first = await run(
      "a",
      python`
        import threading
        go = threading.Event()
        def speak():
            go.wait(); print("from the thread")
        threading.Thread(target=speak).start()`,
    );
    const second = await run("a", "print('second')");
    expect(textOf(second.messages)).toBe("second\n");
    const third = side.execute("a", "go.set(); import time; time.sleep(0.3)");
    const message = (await third).others.find(({ msg_type }) => msg_type === "stream");
    expect([message?.content.text, message?.parent_id]).toEqual(["from the thread\n", first.id]);
  });

  it("is the run that submitted the work to an executor, and that which started a task", async () => {
    await run(
      "a",
      python`
        import asyncio
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(1)
        pool.submit(print, "one").result()`,
    );
    const second = await run("a", "pool.submit(print, 'two').result()");
    expect(textOf(second.messages)).toBe("two\n");
    const third = await run(
      "a",
      python`
        async def speak():
            await asyncio.sleep(0.05)
            print("task"); display("shown")
        task = asyncio.create_task(speak())`,
    );
    const fourth = await run("a", "await task; print('fourth')");
    expect(textOf(fourth.messages)).toBe("fourth\n");
    const late = fourth.others.filter(({ parent_id }) => parent_id === third.id);
    expect(late.map(({ msg_type }) => msg_type)).toEqual(["stream", "display_data"]);
  });
});

describe("a program that goes on after its run", () => {
  it("speaks for that run, also while another one has programs of its own", async () => {
    const first = await run(
      "a",
      python`
        import os, subprocess
        program = subprocess.Popen("read line; echo from the first; read line", shell=True, stdin=subprocess.PIPE)`,
    );
    const second = await run(
      "a",
      python`
        import time
        program.stdin.write(b"go\n"); program.stdin.flush()
        time.sleep(0.3)
        _ = os.system("echo from the second")`,
    );
    expect(textOf(second.messages)).toBe("from the second\n");
    const late = second.others.filter(({ msg_type }) => msg_type === "stream");
    expect(late.map(({ content, parent_id }) => [content.text, parent_id])).toEqual([
      ["from the first\n", first.id],
    ]);
  });

  it("costs descriptors only while it goes on, and never more than there are", async () => {
    const count = "len(os.listdir('/proc/self/fd'))";
    await run("a", "program.stdin.close(); _ = program.wait()");
    const before = Number(valueOf(await run("a", count)));
    for (let n = 0; n < 80; n++) {
      await run(
        "a",
        "programs = [*globals().get('programs', []), subprocess.Popen(['sleep', '1000'])]",
      );
    }
    expect(textOf((await run("a", "_ = os.system('echo still heard')")).messages)) //
      .toBe("still heard\n");
    await run("a", "for each in programs: each.kill(); each.wait()\n_ = os.system('true')");
    await run("a", "pass");
    expect(Number(valueOf(await run("a", count)))).toBeLessThanOrEqual(before + 2);
  });
});

describe("an interrupted print", () => {
  it("loses and doubles nothing of what was printed before", async () => {
    const code = python`
      import itertools, os, signal, sys, threading, time
      tried, done, numbers = [], set(), itertools.count()
      def interrupt():
          for _ in range(60):
              time.sleep(0.004)
              os.kill(os.getpid(), signal.SIGINT)
          time.sleep(0.01); over.set()
      over = threading.Event()
      threading.Thread(target=interrupt).start()
      while not over.is_set():
          try:
              while not over.is_set():
                  number = next(numbers)
                  tried.append(number)
                  sys.stdout.write(f"{number} {'x' * 3000}\n")
                  done.add(number)
          except KeyboardInterrupt:
              pass
      [len(tried), sorted(set(tried) - done)]`;
    const interrupted = await run("a", code);
    const [count, uncertain] = JSON.parse(valueOf(interrupted) ?? "") as [number, number[]];
    const printed = textOf(interrupted.messages)
      .trimEnd()
      .split("\n")
      .map((line) => Number(line.split(" ")[0]));
    const certain = Array.from({ length: count }, (_, n) => n).filter(
      (n) => !uncertain.includes(n),
    );
    expect(printed.filter((n) => !uncertain.includes(n))).toEqual(certain);
    expect(printed).toEqual([...new Set(printed)].sort((one, other) => one - other));
  });
});

describe("what libraries log", () => {
  it("is seen where nobody configured logging, asyncio's complaints included", async () => {
    const code = python`
      import asyncio, gc, logging
      logging.warning("beware")
      async def fail(): raise ValueError("lost")
      task = asyncio.create_task(fail()); await asyncio.sleep(0.01)
      del task; _ = gc.collect()`;
    const { messages } = await run("a", code);
    expect(textOf(messages, "stderr")).toContain("WARNING:root:beware");
    expect(textOf(messages, "stderr")).toContain("ValueError: lost");
  });
});

describe("processes that user code forks", () => {
  it("leave when the cell ends in them, having written to the run's output", async () => {
    const code = python`
      import os
      pid = os.fork()
      if pid == 0:
          print("child")
      else:
          print("parent saw", os.waitpid(pid, 0)[1])`;
    const forked = await run("a", code);
    expect(textOf(forked.messages)).toBe("child\nparent saw 0\n");
    expect(ofType(forked.messages, "status")).toHaveLength(2);
    expect(valueOf(await run("a", "1 + 1"))).toBe("2");
  });

  it("say their error on stderr and leave with 1, and await nothing", async () => {
    const code = python`
      import asyncio, os
      pid = os.fork()
      if pid == 0:
          await asyncio.sleep(0.01)
      os.waitpid(pid, 0)[1]`;
    const forked = await run("a", code);
    expect(valueOf(forked)).toBe("256");
    expect(textOf(forked.messages, "stderr")).toContain("RuntimeError");
    expect(ofType(forked.messages, "error")).toHaveLength(0);
  });

  it("work as multiprocessing makes them, by fork and by spawn", async () => {
    const code = python`
      import math, multiprocessing
      def double(n):
          print("worker", n); return 2 * n
      with multiprocessing.get_context("fork").Pool(2) as pool:
          print(pool.map(double, [1, 2]))
      with multiprocessing.get_context("spawn").Pool(1) as pool:
          print(pool.map(math.sqrt, [9, 16]))`;
    const text = await say(code);
    expect(text).toContain("worker 1\n");
    expect(text).toContain("[2, 4]\n");
    expect(text).toContain("[3.0, 4.0]\n");
  });
});
