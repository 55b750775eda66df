import { expect, test } from "vitest";
import { runPython } from "./image-python.js";

test("an error of control characters, each six bytes of JSON, is cut to what a frame may hold, and says so", async () => {
  const code = String.raw`
import json
from kerneld.content import fit
error = {'ename': 'E' * 300_000, 'evalue': '\x01' * 300_000, 'traceback': ['\x1b' * 1000] * 2000}
print(json.dumps(fit("error", json.dumps(error).encode(), None).data.decode()))`;
  const data = (await runPython(code)) as string;
  expect(Buffer.byteLength(data)).toBeLessThan(704 * 1024);
  expect(data.match(/characters left out/g)).toHaveLength(3);
});
