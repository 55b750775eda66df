import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { type RunOptions, runToEnd, startRunInTerminal } from "./run-process.js";

interface WrittenCell {
  cell_type: string;
  source: string | string[];
  outputs?: Record<string, unknown>[];
  execution_count?: number | null;
}

let directory: string;
let gateway: GatewayProcess;
let here: RunOptions;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "hc-"));
  gateway = await startGatewayProcess();
  here = { home: gateway.home, cwd: directory };
});
afterAll(async () => {
  await gateway.close();
  await rm(directory, { recursive: true, force: true });
});

const OLD_OUTPUT = { output_type: "stream", name: "stdout", text: ["from before\n"] };
const code = (source: string, ...tags: string[]) => ({
  cell_type: "code",
  execution_count: 99,
  metadata: { tags },
  outputs: [OLD_OUTPUT],
  source,
});

async function save(name: string, cells: object[]): Promise<string> {
  const metadata = {
    kernelspec: { name: "python3", display_name: "Python 3", language: "python" },
  };
  await writeFile(
    join(directory, name),
    JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 4 }),
  );
  return name;
}

async function cellsOf(name: string): Promise<WrittenCell[]> {
  const text = await readFile(join(directory, name), "utf8");
  return (JSON.parse(text) as { cells: WrittenCell[] }).cells;
}

describe("hotcell run with a notebook", () => {
  it("executes its cells one after the other, and writes what they say into it", async () => {
    const markdown = { cell_type: "markdown", metadata: {}, source: ["# Title"] };
    const name = await save("all.ipynb", [
      markdown,
      code("x = 6\nprint('a\\nb')"),
      code("x * 7"),
      code("1 / 0", "raises-exception"),
      code("never()", "skip-execution"),
      code("  \n"),
      code("handle = display('0 %', display_id=True)"),
      code("handle.update('100 %'); 'x' * 5_000_000"),
    ]);
    const { code: exitCode, stdout, stderr } = await runToEnd([name], here);
    expect([exitCode, stdout, stderr]).toEqual([0, "", `Wrote ${join(directory, name)}\n`]);
    expect(await cellsOf(name)).toMatchObject([
      markdown,
      { execution_count: 1, outputs: [{ output_type: "stream", text: ["a\n", "b\n"] }] },
      { execution_count: 2, outputs: [{ data: { "text/plain": ["42"] }, execution_count: 2 }] },
      { execution_count: 3, outputs: [{ output_type: "error", ename: "ZeroDivisionError" }] },
      { execution_count: 99, outputs: [OLD_OUTPUT] },
      { execution_count: null, outputs: [] },
      { execution_count: 4, outputs: [{ data: { "text/plain": ["'100 %'"] } }] },
      { execution_count: 5, outputs: [{ data: { "text/plain": [`'${"x".repeat(5_000_000)}'`] } }] },
    ]);
    await using session = await gateway.client.session();
    await session.files.put("a.ipynb", await readFile(join(directory, name)));
    const validate = "import nbformat; nbformat.validate(nbformat.read('a.ipynb', as_version=4))";
    expect(await session.run(validate)).toMatchObject({ status: "ok", text: "" });
  });

  it("stops at the first cell that fails, and keeps what was run", async () => {
    const name = await save("fails.ipynb", [code("1"), code("raise ValueError('no')"), code("3")]);
    const { code: exitCode, stderr } = await runToEnd([name, "--output", "out.ipynb"], here);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("ValueError: no");
    expect(stderr).toContain("Cell 2 of 3 ended as error; those behind it were not run");
    expect(await cellsOf("out.ipynb")).toMatchObject([
      { outputs: [{ output_type: "execute_result" }] },
      { outputs: [{ output_type: "error", ename: "ValueError" }] },
      { execution_count: 99, outputs: [OLD_OUTPUT] },
    ]);
    expect(await cellsOf(name)).toMatchObject([1, 2, 3].map(() => ({ outputs: [OLD_OUTPUT] })));
    const allowed = await runToEnd([name, "--output", "out.ipynb", "--allow-errors"], here);
    expect(allowed.code).toBe(0);
    expect((await cellsOf("out.ipynb"))[2]).toMatchObject({ execution_count: 3 });
  });

  it("ends with the reason where an interpreter dies or the time is up", async () => {
    const dies = await save("dies.ipynb", [code("import os; os.kill(os.getpid(), 9)"), code("2")]);
    expect((await runToEnd([dies, "--allow-errors"], here)).code).toBe(137);
    const slow = await save("slow.ipynb", [
      code("print('begun', flush=True)\nimport time; time.sleep(60)"),
    ]);
    expect((await runToEnd([slow, "--timeout", "1"], here)).code).toBe(124);
    expect((await cellsOf(slow))[0]?.outputs).toMatchObject([
      { text: ["begun\n"] },
      { ename: "KeyboardInterrupt" },
    ]);
  });

  it("keeps what ran when it is interrupted", async () => {
    const name = await save("stopped.ipynb", [
      code("'done'"),
      code("import time; time.sleep(60)"),
      code("'never'"),
    ]);
    const run = startRunInTerminal([name], here);
    await run.until(/Cell 2 of 3/);
    run.process.stdin.write("\u0003");
    await run.until(/Cell 2 of 3 ended as interrupted/);
    expect(await run.ended).toBe(130);
    expect(await cellsOf(name)).toMatchObject([
      { outputs: [{ data: { "text/plain": ["'done'"] } }] },
      { outputs: [{ ename: "KeyboardInterrupt" }] },
      { outputs: [OLD_OUTPUT] },
    ]);
  });

  it("says what is wrong with one that cannot be run, and leaves it as it is", async () => {
    await writeFile(join(directory, "old.ipynb"), '{"nbformat":3,"worksheets":[]}');
    const old = await runToEnd(["old.ipynb"], here);
    expect([old.code, old.stderr]).toMatchObject([2, expect.stringContaining("nbformat 3")]);
    expect((await runToEnd(["none.ipynb"], here)).code).toBe(2);
    const name = await save("cobol.ipynb", [code("1")]);
    const before = await cellsOf(name);
    const other = await runToEnd([name, "--language", "cobol"], here);
    expect([other.code, other.stderr]).toMatchObject([4, expect.stringContaining("python")]);
    expect(await cellsOf(name)).toEqual(before);
  });
});
