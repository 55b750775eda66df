import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sandbox, type RunBody } from "./sandbox.js";

let sandbox: Sandbox;
let kernel: string;

beforeAll(async () => {
  [sandbox, kernel] = await Sandbox.withKernel();
});
afterAll(() => sandbox.close());

const UNLIMITED = 2 ** 40;
/** What kerneld may take at its most, whatever a kernel says. */
const MOST_MIB = 600;

const floods: [string, string, Partial<RunBody>, object][] = [
  [
    "100,000 flushed prints",
    "for n in range(100_000): print(n, flush=True)",
    { max_output_bytes: UNLIMITED },
    { stdout_bytes: 588_890, truncated: false },
  ],
  [
    "1 GiB in one print",
    "print('y' * (1 << 30))",
    {},
    { stdout_bytes: 2 ** 30 + 1, truncated: true },
  ],
  [
    "1 GiB in many prints",
    "line = 'y' * 65_535\nfor n in range(1 << 14): print(line)",
    {},
    { stdout_bytes: 2 ** 30, truncated: true },
  ],
  [
    "100,000 updates of a display",
    "handle = display('x', display_id=True)\nfor n in range(100_000): handle.update(n)",
    {},
    { stdout_bytes: 0 },
  ],
  [
    "a MIME value of 200 MB",
    "display({'text/html': 'h' * 200_000_000}, raw=True)",
    {},
    { stdout_bytes: 0 },
  ],
  [
    "25 displays of 30 MB, one behind the other",
    "value = 'h' * 30_000_000\nfor n in range(25): display({'text/html': value}, raw=True)",
    {},
    { stdout_bytes: 0 },
  ],
  ["a traceback of 1 MiB", "raise Exception('e' * (1 << 20))", {}, { stdout_bytes: 0 }],
];

describe("kerneld takes", () => {
  test.each(floods)("%s, counts it, and stays small", async (_, code, options, output) => {
    const id = await sandbox.put(kernel, code, options);
    const end = await sandbox.until(`run=${id}`, (head) => head.event === "execution_finished");
    expect(end).toMatchObject({ state: "kept", output });
    const status = await sandbox.exec("0", "cat", "/proc/1/status");
    expect(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024).toBeLessThan(MOST_MIB);
    expect((await sandbox.execute(kernel, "1+1")).finished["status"]).toBe("ok");
  });
});

describe("four kernels that flood at once", () => {
  test("have each of their runs complete and in order", async () => {
    const kernels = [kernel, ...Array.from({ length: 3 }, () => randomUUID())];
    for (const id of kernels.slice(1))
      await sandbox.send("POST", "/kernels", { id, language: "python" });
    const runs = await Promise.all(
      kernels.map((id, index) => {
        const code = `for n in range(5_000): print(${index}, n, flush=True)`;
        return sandbox.execute(id, code);
      }),
    );
    for (const [index, run] of runs.entries()) {
      const lines = Array.from({ length: 5000 }, (_, n) => `${index} ${n}\n`);
      expect(run.text("stdout") === lines.join("")).toBe(true);
      expect(run.finished).toMatchObject({ status: "ok", kernel: kernels[index] });
      expect(run.heads.every((head) => head.late !== true)).toBe(true);
    }
  });
});
