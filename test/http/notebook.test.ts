import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Notebook, NotebookCell } from "../../src/kernels/notebook.js";
import type { KernelView } from "../../src/sessions/session-view.js";
import { encodeFrame } from "../sandboxes/frames.js";
import type { RunScript } from "../sandboxes/friendly-runs.js";
import { startTestGateway, type TestGateway } from "./test-gateway.js";

let gateway: TestGateway;
let scripts: Record<string, RunScript>;

beforeEach(async () => {
  scripts = {};
  gateway = await startTestGateway({ onRun: (run, emit) => scripts[run.code]?.(run, emit) });
  await gateway.call("POST", "/v1/sessions", { id: "s" });
});
afterEach(async () => gateway.close());

const execute = async (code: string, options: object = {}): Promise<void> => {
  const response = await gateway.call("POST", "/v1/sessions/s/execute", { code, ...options });
  expect(response.status).toBe(200);
  await response.text();
};
const notebook = async (query = ""): Promise<Notebook> => {
  const response = await gateway.call("GET", `/v1/sessions/s/notebook${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Notebook;
};
const sources = ({ cells }: Notebook): string[] => cells.map(({ source }) => source);
const outputs = (cell: NotebookCell | undefined): unknown[] =>
  cell?.cell_type === "code" ? cell.outputs : [];

describe("a session's notebook", () => {
  it("has what was executed with its output, as a file to be saved", async () => {
    scripts = {
      "x = 1": () => undefined,
      "1 / 0": (_run, emit) => {
        emit.stream("stdout", "before\n");
        emit.error("ZeroDivisionError", "division by zero");
        return { status: "error" };
      },
    };
    await execute("x = 1", { execution_id: "first" });
    await execute("1 / 0", { execution_id: "not.a~cell-id" });
    await execute("hidden", { silent: true });
    const response = await gateway.call("GET", "/v1/sessions/s/notebook");
    expect(response.headers.get("content-type")).toMatch(/^application\/x-ipynb\+json/);
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="s.ipynb"');
    const document = (await response.json()) as Notebook;
    expect(document).toMatchObject({
      nbformat: 4,
      nbformat_minor: 5,
      metadata: {
        kernelspec: { name: "python3", display_name: "Python 3" },
        language_info: { name: "python", version: "3.13.5" },
      },
    });
    expect(document.cells).toMatchObject([
      {
        ...{ cell_type: "code", id: "first", source: "x = 1", execution_count: 1, outputs: [] },
        metadata: { hotcell: { execution_id: "first", status: "ok" } },
      },
      {
        ...{ cell_type: "code", source: "1 / 0", execution_count: 2 },
        id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
        outputs: [
          { output_type: "stream", name: "stdout", text: "before\n" },
          { output_type: "error", ename: "ZeroDivisionError" },
        ],
        metadata: { hotcell: { execution_id: "not.a~cell-id", status: "error" } },
      },
    ]);
    expect(document.cells).toHaveLength(2);
  });

  it("shows late output where it was caused, and updates wherever the display is", async () => {
    let late: (() => void) | undefined;
    scripts = {
      show: (_run, emit) => {
        emit.display({ "text/plain": "0 %" }, { display_id: "bar" });
        late = () => emit.message("stream", { name: "stdout", text: "later" }, { late: true });
        return undefined;
      },
      update: (_run, emit) => {
        const data = { "text/plain": "100 %" };
        emit.message("update_display_data", {
          data,
          metadata: {},
          transient: { display_id: "bar" },
        });
        late?.();
        return undefined;
      },
    };
    await execute("show");
    await execute("update");
    const { cells } = await notebook();
    expect(outputs(cells[0])).toMatchObject([
      { output_type: "display_data", data: { "text/plain": "100 %" } },
      { output_type: "stream", text: "later" },
    ]);
    expect(outputs(cells[1])).toEqual([]);
  });

  it("holds only what nbformat allows in a bundle, and large values themselves", async () => {
    const double = gateway.double("s");
    double.artifacts.set("kept", Buffer.from("bGFyZ2U="));
    const artifacts = [
      { id: "kept", mime: "image/png", bytes: 8, kind: "text" },
      { id: "gone", mime: "image/jpeg", bytes: 8, kind: "text" },
    ];
    const lost = [{ id: null, mime: "image/gif", bytes: 9, kind: "text" }];
    scripts = {
      odd: (_run, emit) => {
        emit.display({ "text/plain": 5, "application/json": { five: 5 }, "text/x": ["a", "b"] });
        emit.display({}, { metadata: { hotcell: { artifacts } } });
        emit.display({}, { metadata: { hotcell: { artifacts: lost } } });
        return undefined;
      },
    };
    await execute("odd");
    const { cells } = await notebook();
    expect(outputs(cells[0])).toMatchObject([
      { data: { "text/plain": "5", "application/json": { five: 5 }, "text/x": ["a", "b"] } },
      {
        data: { "image/png": "bGFyZ2U=", "text/plain": "[image/jpeg of 8 bytes, left out here]" },
        metadata: {},
      },
      { data: { "text/plain": "[image/gif of 9 bytes, left out here]" } },
    ]);
  });

  it("says what is missing in Markdown", async () => {
    for (const code of ["a", "b", "c"]) await execute(code);
    const double = gateway.double("s");
    double.forgottenCells = 2;
    double.journal.forget(double.runs.get((await runs())[1] ?? "")?.first_n ?? 0);
    expect(sources(await notebook())).toEqual([
      "*2 earlier cells are not kept any more.*",
      ...["a", "b", "*Output of the 2 cells above may be missing: it is not kept any more.*", "c"],
    ]);
  });

  it("is of one kernel: the default one, or the one that is named", async () => {
    await execute("in the first");
    const made = await gateway.call("POST", "/v1/sessions/s/kernels", { language: "python" });
    const { id } = (await made.json()) as KernelView;
    await execute("in the second", { kernel: id });
    expect(sources(await notebook())).toEqual(["in the first"]);
    expect(sources(await notebook(`?kernel=${id.toUpperCase()}`))).toEqual(["in the second"]);
    const none = await gateway.call("GET", `/v1/sessions/s/notebook?kernel=${crypto.randomUUID()}`);
    expect([none.status, await none.json()]).toMatchObject([404, { code: "kernel_not_found" }]);
    expect((await gateway.call("GET", "/v1/sessions/s/notebook?kernel=python")).status).toBe(400);
  });

  it("is empty where the session has no kernel, which it gets none by", async () => {
    await gateway.call("POST", "/v1/sessions", { id: "none", kernels: [] });
    const response = await gateway.call("GET", "/v1/sessions/none/notebook");
    expect(await response.json()).toEqual({
      nbformat: 4,
      nbformat_minor: 5,
      metadata: {},
      cells: [],
    });
    expect(gateway.double("none").kernels.size).toBe(0);
  });

  it.each([
    ["no frames", Buffer.alloc(0)],
    ["half a frame", encodeFrame({ forgotten: 0 }).subarray(0, 9)],
    ["a head that is none", encodeFrame("[")],
    ["a cell without a run", Buffer.concat([encodeFrame({ forgotten: 0 }), encodeFrame({}, "x")])],
  ])("ends the session of a sandbox that answers with %s", async (_what, bytes) => {
    gateway.double("s").intercept = (request, response) => {
      if (request.url?.endsWith("/cells") !== true) return false;
      response.writeHead(200, { "content-length": bytes.length }).end(bytes);
      return true;
    };
    const response = await gateway.call("GET", "/v1/sessions/s/notebook");
    expect([410, 502]).toContain(response.status);
    const { state } = (await (await gateway.call("GET", "/v1/sessions/s")).json()) as {
      state?: string;
    };
    expect(["stopping", "ended", undefined]).toContain(state);
  });
});

async function runs(): Promise<string[]> {
  const response = await gateway.call("GET", "/v1/sessions/s/executions");
  const { executions } = (await response.json()) as { executions: { id: string }[] };
  return executions.map(({ id }) => id);
}
