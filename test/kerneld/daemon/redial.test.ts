import { describe, expect, test } from "vitest";
import { runPython } from "./image-python.js";

/** The waits, in ms, after failures with these exceptions; `None` is a success. */
async function waits(problems: string): Promise<number[]> {
  const code = `
import json
from kerneld.redial import Redial
redial, waits = Redial(), []
for problem in ${problems}:
    if problem is None: redial.succeeded()
    else: waits.append(round(redial.failed(problem) * 1000))
print(json.dumps(waits))`;
  return (await runPython(code)) as number[];
}

describe("a gateway", () => {
  test("that is away is looked for at least four times a second", async () => {
    const absent = await waits("[FileNotFoundError()] * 5");
    expect(absent).toEqual([50, 100, 200, 250, 250]);
    expect(await waits("[ConnectionRefusedError()] * 5")).toEqual(absent);
  });

  test("that lives and refuses is left alone for longer and longer, up to two seconds", async () => {
    expect(await waits("[ConnectionResetError()] * 3 + [TimeoutError()] * 5")).toEqual([
      50, 100, 200, 400, 800, 1600, 2000, 2000,
    ]);
  });

  test("that refused and then went away is looked for quickly again", async () => {
    expect(await waits("[TimeoutError()] * 6 + [FileNotFoundError()]")).toContain(250);
  });

  test("that accepted is dialled at once when it breaks", async () => {
    expect(await waits("[FileNotFoundError()] * 4 + [None, FileNotFoundError()]")).toEqual([
      50, 100, 200, 250, 50,
    ]);
  });
});
