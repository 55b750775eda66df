import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { notebookFrom } from "../../playground/src/notebook/ipynb.js";
import type { Notebook, Session } from "../../src/client/index.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";

const VALIDATE = `
import nbformat
document = nbformat.read("session.ipynb", as_version=nbformat.NO_CONVERT)
nbformat.validate(document)
print(document.nbformat, document.nbformat_minor, len(document.cells))`;

describe("a session's notebook", () => {
  let gateway: GatewayProcess;

  beforeAll(async () => {
    gateway = await startGatewayProcess();
  });
  afterAll(async () => gateway.close());

  /** Has Jupyter's own library look at it, in the sandbox, and the playground open it. */
  async function expectValid(session: Session, notebook: Notebook): Promise<void> {
    await session.files.put("session.ipynb", JSON.stringify(notebook));
    const { text } = await session.run(VALIDATE, { store_history: false });
    expect(text).toBe(`4 5 ${notebook.cells.length}\n`);
    const opened = notebookFrom(notebook);
    expect(opened.cells.map(({ source }) => source)).toEqual(
      notebook.cells.map(({ source }) => source),
    );
  }

  it("is valid, whatever was run: figures, errors, magics, odd bundles, another interpreter", async () => {
    await using session = await gateway.client.session();
    const codes = [
      "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])",
      "%%bash\necho from bash",
      "1 / 0",
      "from IPython.display import display, publish_display_data\nhandle = display(1, display_id=True)",
      "handle.update(2)",
      "publish_display_data({'text/plain': 5, 'image/png': ['a', 'b'], 'application/json': [1]})",
      "'x' * 5_000_000",
      "import os; os._exit(3)",
      "'a new interpreter'",
      "é = '😀'; é",
    ];
    for (const code of codes) await session.run(code);
    await session.run("'silent'", { silent: true });
    const notebook = await session.notebook();
    expect(notebook.cells.map(({ source }) => source)).toEqual(codes);
    expect(notebook.metadata).toMatchObject({
      kernelspec: { name: "python3" },
      language_info: { name: "python", version: expect.stringMatching(/^3\.13/) as string },
    });
    const cells = notebook.cells.map((cell) =>
      cell.cell_type === "code"
        ? { count: cell.execution_count, outputs: cell.outputs }
        : undefined,
    );
    expect(cells).toMatchObject([
      { count: 1, outputs: [{ data: { "image/png": expect.stringMatching(/^iVBOR/) as string } }] },
      { count: 2, outputs: [{ output_type: "stream", text: "from bash\n" }] },
      { count: 3, outputs: [{ output_type: "error", ename: "ZeroDivisionError" }] },
      { count: 4, outputs: [{ data: { "text/plain": "2" } }] },
      { count: 5, outputs: [] },
      { outputs: [{ data: { "image/png": ["a", "b"], "application/json": [1] } }] },
      { outputs: [{ data: { "text/plain": `'${"x".repeat(5_000_000)}'` }, metadata: {} }] },
      { outputs: [] },
      { count: 1, outputs: [{ data: { "text/plain": "'a new interpreter'" } }] },
      { count: 2, outputs: [{ data: { "text/plain": "'😀'" } }] },
    ]);
    await expectValid(session, notebook);
  });

  it("has a cell that runs still, with what it said so far, and later what a thread says after it", async () => {
    await using session = await gateway.client.session();
    const code = `
import threading
print("begun", flush=True)
def later():
    said.wait()
    print("from the thread", flush=True)
    done.set()
said, done = threading.Event(), threading.Event()
threading.Thread(target=later).start()
input()`;
    const running = session.stream(code, { stdin: "ask" });
    for await (const event of running) {
      if (event.type !== "input_request") continue;
      const [cell] = (await session.notebook()).cells;
      expect(cell).toMatchObject({
        outputs: [{ text: "begun\n" }],
        metadata: { hotcell: { status: "running" } },
      });
      await running.input("");
    }
    await session.run("said.set(); done.wait(); None");
    const [cell, next] = (await session.notebook()).cells;
    const outputs = [{ text: "begun\n" }, { data: {} }, { text: "from the thread\n" }];
    expect(cell).toMatchObject({ outputs, metadata: { hotcell: { status: "ok" } } });
    expect(next).toMatchObject({ outputs: [] });
  });

  it("keeps the sources when the journal has forgotten the output, and says so", async () => {
    await using session = await gateway.client.session();
    await session.run("print('forgotten')");
    const flood = "for _ in range(100): print('x' * 1_000_000)";
    await session.run(flood, { max_output_bytes: 2 ** 30 });
    await session.run("'kept'");
    const notebook = await session.notebook();
    expect(notebook.cells.map(({ source }) => source)).toEqual([
      ...["print('forgotten')", flood],
      "*Output of the 2 cells above may be missing: it is not kept any more.*",
      "'kept'",
    ]);
    expect(notebook.cells[0]).toMatchObject({ outputs: [] });
    expect(notebook.cells[3]).toMatchObject({ outputs: [{ data: { "text/plain": "'kept'" } }] });
    expect(JSON.stringify(notebook.cells[1]).length).toBeGreaterThan(1_000_000);
  });

  it("forgets the oldest sources past their bound, and says how many", async () => {
    await using session = await gateway.client.session();
    const large = (name: string) => `${name} = 0 # ${"-".repeat(1_500_000)}`;
    for (const name of ["a", "b", "c", "d"]) await session.run(large(name));
    const { cells } = await session.notebook();
    expect(cells.map(({ source }) => source.slice(0, 40))).toEqual([
      "*2 earlier cells are not kept any more.*".slice(0, 40),
      ...["c", "d"].map((name) => large(name).slice(0, 40)),
    ]);
  });

  it("is of one kernel, and ends with it", async () => {
    await using session = await gateway.client.session();
    const { id } = await session.kernels.create({ language: "python" });
    await session.run("'first'");
    await session.run("'second'", { kernel: id });
    const sources = async (kernel?: string): Promise<string[]> =>
      (await session.notebook({ kernel })).cells.map(({ source }) => source);
    expect(await sources()).toEqual(["'first'"]);
    expect(await sources(id)).toEqual(["'second'"]);
    await session.kernels.delete(id);
    await expect(session.notebook({ kernel: id })).rejects.toMatchObject({
      code: "kernel_not_found",
    });
  });
});
