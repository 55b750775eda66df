import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ExecutionOptions, Result } from "../../src/client/index.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";

let gateway: GatewayProcess;
let session: string;
beforeAll(async () => {
  gateway = await startGatewayProcess();
  session = await gateway.session();
});
afterAll(async () => gateway.close());

const run = (code: string, options?: ExecutionOptions) => gateway.execute(session, code, options);
const bundles = (result: Result) =>
  result.outputs.flatMap((output) => ("data" in output ? [output.data] : []));

describe("rich outputs", () => {
  it("are results as text and HTML, with a DataFrame's table", async () => {
    const result = await run("import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})");
    const [data] = bundles(result);
    expect(data?.["text/html"]).toContain("<table");
    expect(data?.["text/plain"]).toContain("a  b");
    expect(result.text).toBe(data?.["text/plain"]);
    expect(result.outputs[0]).toMatchObject({
      output_type: "execute_result",
      execution_count: result.execution_count,
    });
  });

  it("are figures, several in one run, inline by default", async () => {
    const result = await run(
      "import matplotlib.pyplot as plt\nfor i in range(3):\n    plt.figure(); plt.plot([1, 2, i])\nplt.show()",
    );
    expect(result.images).toHaveLength(3);
    for (const { media_type, data } of result.images) {
      expect(media_type).toBe("image/png");
      expect(Buffer.from(data, "base64").subarray(1, 4).toString()).toBe("PNG");
    }
    expect(result.text).toContain("[image 3: image/png");
  });

  it("are figures as SVG when asked for, with the metadata of the bundle", async () => {
    const svg = await run(
      "from matplotlib_inline.backend_inline import set_matplotlib_formats\nset_matplotlib_formats('svg')\nplt.plot([1]); plt.show()\nset_matplotlib_formats('retina')\nplt.plot([1]); plt.show()\nset_matplotlib_formats('png')",
    );
    const [first, second] = svg.outputs.filter((output) => output.output_type === "display_data");
    expect(first && "data" in first && first.data["image/svg+xml"]).toContain("<svg");
    expect(second).toMatchObject({
      metadata: { "image/png": { width: expect.any(Number) as number } },
    });
  });

  it("show no boxes for Latin, Greek, Cyrillic and CJK", async () => {
    const result = await run(
      "import warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter('error')\n    plt.title('ñ αβγ Привет 你好 こんにちは 안녕'); plt.plot([1]); plt.gcf().canvas.draw(); plt.show()",
    );
    expect(result.status).toBe("ok");
    expect(result.images).toHaveLength(1);
    expect(result.text).not.toContain("Glyph");
  });

  it("are every type that IPython has", async () => {
    const result = await run(
      [
        "from IPython.display import *",
        "display(Latex('$x$'), Markdown('**b**'), JSON({'k': [1]}), Javascript('1'), HTML('<b>h</b>'), SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>'))",
        "display(Image(data=bytes.fromhex('89504e470d0a1a0a'), format='png', width=3), metadata={'m': 1})",
        "display(Image(data=b'\\xff\\xd8\\xff', format='jpeg'))",
        "display({'application/vnd.vegalite.v5+json': {'mark': 'bar'}, 'text/plain': 'v'}, raw=True)",
        "import sympy; sympy.sqrt(8)",
      ].join("\n"),
    );
    expect(result.status).toBe("ok");
    const types = bundles(result).map((data) => Object.keys(data));
    for (const type of [
      "text/latex",
      "text/markdown",
      "application/json",
      "application/javascript",
      "text/html",
      "image/svg+xml",
      "image/png",
      "image/jpeg",
      "application/vnd.vegalite.v5+json",
    ]) {
      expect(types.flat()).toContain(type);
    }
    const vega = bundles(result).find((data) => "application/vnd.vegalite.v5+json" in data);
    expect(vega).toEqual({
      "application/vnd.vegalite.v5+json": { mark: "bar" },
      "text/plain": "v",
    });
    expect(bundles(result).at(-1)?.["text/latex"]).toContain("2 \\sqrt{2}");
  });

  it("are Plotly figures, large ones too", async () => {
    const result = await run(
      "import plotly.graph_objects as go\nfig = go.Figure(go.Scatter(x=list(range(100000)), y=[i * 0.5 for i in range(100000)])); fig.show()",
    );
    const plotly = bundles(result)[0]?.["application/vnd.plotly.v1+json"] as {
      data: { y: number[] }[];
    };
    expect(plotly.data[0]?.y).toHaveLength(100000);
  });

  it("have NaN as null, not as broken JSON", async () => {
    const result = await run(
      "display({'application/json': {'x': float('nan'), 'y': [float('inf')]}}, raw=True)",
    );
    expect(bundles(result)[0]?.["application/json"]).toEqual({ x: null, y: [null] });
  });

  it("over 4 MiB are artifacts, linked and whole", async () => {
    const result = await run(
      "import os, base64\nblob = os.urandom(6 * 1024 * 1024)\nimport hashlib\ndisplay({'image/png': blob, 'text/plain': hashlib.sha256(blob).hexdigest()}, raw=True)",
    );
    const [output] = result.outputs;
    if (!output || !("data" in output)) throw new Error("no display");
    const { artifacts } = (
      output.metadata as { hotcell: { artifacts: { mime: string; href: string; bytes: number }[] } }
    ).hotcell;
    expect(artifacts).toMatchObject([{ mime: "image/png" }]);
    const response = await gateway.call("GET", artifacts[0]?.href ?? "");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-disposition")).toBe("attachment");
    expect(response.headers.get("content-security-policy")).toContain("sandbox");
    const bytes = Buffer.from(await response.text(), "base64");
    const { createHash } = await import("node:crypto");
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(output.data["text/plain"]);
  });

  it("are updated by their display id, also from a later run", async () => {
    const same = await run("h = display('first', display_id=True); h.update('second')");
    expect(bundles(same)).toEqual([{ "text/plain": "'second'" }]);
    const later = await run("h.update('third')");
    expect(later.outputs).toEqual([]);
    expect(later.updates).toMatchObject([{ data: { "text/plain": "'third'" } }]);
    const events = await gateway.events(session, "h.update('fourth')");
    expect(events.map((event) => event.type)).toContain("update_display_data");
  });

  it("are cleared, at once or by the next output", async () => {
    const code =
      "from IPython.display import clear_output\nprint('a'); clear_output(wait=True); print('b')";
    expect((await run(code)).text).toBe("b\n");
    const types = (await gateway.events(session, code)).map((event) => event.type);
    expect(types).toEqual([
      "execution_started",
      "stream",
      "clear_output",
      "stream",
      "execution_finished",
    ]);
  });

  it("have results after errors and errors after results", async () => {
    const failed = await run("display(1)\n1/0");
    expect(failed.status).toBe("error");
    expect(failed.outputs.map((output) => output.output_type)).toEqual(["display_data", "error"]);
    expect(failed.text).toContain("ZeroDivisionError: division by zero");
    expect(failed.text).not.toContain("\u001b");
    expect(failed.text).not.toContain("kerneld");
    expect((await run("_ = 5\n_")).text).toBe("5");
  });

  it("keep progress bars as they are in events and fold them in text", async () => {
    const code =
      "import sys, time\nfor i in range(5):\n    sys.stderr.write(f'\\r{i * 25}%'); sys.stderr.flush()\nprint()";
    const events = await gateway.events(session, code);
    const raw = events.flatMap((event) =>
      event.type === "stream" && event.name === "stderr" ? [event.text] : [],
    );
    expect(raw.join("")).toBe("\r0%\r25%\r50%\r75%\r100%");
    expect((await run(code)).text.trim()).toBe("100%");
  });

  it("have what child processes and C code print, in the run that did", async () => {
    const result = await run(
      "import os, subprocess\nos.system('echo from a shell')\nsubprocess.run(['echo', 'from a child'])\nNone",
    );
    expect(result.text).toContain("from a shell\nfrom a child\n");
  });
});

describe("what belongs to a run", () => {
  it("is not what threads print after it", async () => {
    const first = await run(
      "import threading, time\ndef late():\n    time.sleep(0.4); print('late')\nthreading.Thread(target=late).start()\nprint('in time')",
    );
    const second = await run("time.sleep(0.8); print('second')");
    expect(first.text).toBe("in time\n");
    expect(second.text).toBe("second\n");
  });

  it("has its own variables and directory, and line numbers stay right", async () => {
    const inside = await run("%%capture out\nimport os\nprint(os.environ['ONLY'], os.getcwd())", {
      env: { ONLY: "here" },
      cwd: "/tmp",
    });
    expect(inside.status).toBe("ok");
    expect((await run("print(out.stdout.strip(), os.environ.get('ONLY'), os.getcwd())")).text).toBe(
      "here /tmp None /workspace\n",
    );
    expect((await run("x = 1\n1/0", { env: { A: "1" } })).text).toContain("line 2");
  });

  it("reads lines given ahead, asks, or is denied", async () => {
    expect((await run("[input(), input()]", { stdin: ["a", "b"] })).text).toContain("['a', 'b']");
    expect((await run("input()", { stdin: [] })).text).toContain("EOFError");
    const denied = await run("input('? ')");
    expect(denied).toMatchObject({
      status: "error",
      text: expect.stringContaining("StdinNotImplementedError") as string,
    });
  });
});
