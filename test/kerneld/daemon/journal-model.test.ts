import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { runPython } from "./image-python.js";

interface Outcome {
  problems: string[];
  tried: Record<"records" | "readers" | "read" | "gaps" | "spills" | "lost_spills", number>;
}

test("every reader of the journal gets each kept record once, in order, and a gap for what was dropped", async () => {
  const model = await readFile(new URL("journal_model.py", import.meta.url), "utf8");
  // Too small for what is written, and partly taken by something else.
  const { problems, tried } = (await runPython(model, [
    ...["--tmpfs", "/run/kerneld:size=2m"],
  ])) as Outcome;
  expect(problems).toEqual([]);
  for (const count of Object.values(tried)) expect(count).toBeGreaterThan(20);
});
