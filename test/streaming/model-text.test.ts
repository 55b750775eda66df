import { describe, expect, it } from "vitest";
import type { FinishedEvent } from "../../src/kernels/event.js";
import type { Gathered } from "../../src/kernels/gathering.js";
import type { Output } from "../../src/kernels/output.js";
import { type ModelTextOptions, renderForModel } from "../../src/streaming/model-text.js";
import { kernelOutputs } from "./kernel-outputs.js";

const display = (
  data: Record<string, unknown>,
  metadata: Record<string, unknown> = {},
): Output => ({
  output_type: "display_data",
  data,
  metadata,
});
const stream = (text: string): Output => ({ output_type: "stream", name: "stdout", text });
const figure = (bytes: number): Output =>
  display({ "image/png": Buffer.alloc(bytes).toString("base64") });

function render(
  outputs: Output[],
  finished?: Partial<FinishedEvent>,
  options?: ModelTextOptions,
  started?: Partial<Gathered["started"]>,
) {
  return renderForModel(
    {
      outputs,
      updates: [],
      dropped_outputs: 0,
      started: started as Gathered["started"],
      finished:
        finished &&
        ({ status: "ok", duration_ms: 1500, state: "kept", ...finished } as FinishedEvent),
    },
    options,
  );
}

const captured = (name: string) => renderForModel(kernelOutputs(name)).text;

describe("what a model reads of a value", () => {
  it("is the plain form of a table, not its HTML", () => {
    expect(captured("data frame")).toMatch(/^ {5}a {6}b {8}c\n0 {4}0.*\[100 rows x 3 columns\]$/s);
  });

  it("is an aligned table where only HTML came", () => {
    expect(captured("HTML table")).toBe(
      [
        "                b",
        "c         a",
        "name 0    0   0.0",
        "name 1    1   1.5",
        "name 10  10  15.0",
      ].join("\n"),
    );
  });

  it("keeps cells below their headings where cells span columns and rows", () => {
    expect(captured("table with spans")).toBe(
      ["      x", "      p  q", "u  v  1  3", "   w  2  4"].join("\n"),
    );
  });

  it("is Markdown, LaTeX or JSON where the plain form only names a class", () => {
    expect(captured("Markdown")).toBe("# hi\n**bold**");
    expect(captured("LaTeX")).toBe("$\\displaystyle x^2$");
    expect(captured("JSON")).toBe('{"a":[1,2]}');
    expect(captured("symbols")).toBe("Integral(x**2, x)");
  });

  it("is the class's name where there is nothing else, or the media type", () => {
    expect(render([display({ "text/plain": "<m.A at 0x7f37848956a0>" })]).text).toBe(
      "<m.A at 0x7f37848956a0>",
    );
    expect(captured("JavaScript")).toBe("[application/javascript]");
    expect(render([display({ "application/vnd.plotly.v1+json": { data: [] } })]).text).toBe(
      "[application/vnd.plotly.v1+json]",
    );
  });

  it("mentions drawings, and links to what was too large for its event", () => {
    expect(captured("SVG")).toBe("[image/svg+xml, 62 bytes, not shown]");
    expect(captured("large figure")).toBe(
      "<Figure size 4000x4000 with 1 Axes>\n[image/png, 40.5 MB: /v1/sessions/s/executions/e/artifacts/a]",
    );
  });

  it("has no link to what could not be kept", () => {
    const lost = [{ mime: "image/png", bytes: 60_000_000, dropped: true }];
    const text = "[image/png of 60000000 bytes left out: too large to be kept]";
    const output = display({ "text/plain": text });
    const marked = { ...output, metadata: { hotcell: { artifacts: lost } } };
    expect(render([marked]).text).toBe(text);
  });

  it("includes what an earlier display was changed to", () => {
    expect(captured("update")).toBe("[An earlier output was changed to:]\n'two'");
  });

  it("stops turning HTML into text where there is much of it", () => {
    const html = `<p>${"x".repeat(700_000)}</p>`;
    const { text } = render([display({ "text/html": html }), display({ "text/html": html })]);
    expect(text).toContain("characters left out");
    expect(text).toMatch(/\[text\/html, 700 kB, not shown\]$/);
  });
});

describe("pictures", () => {
  it("are given apart and named in the text, the raster before the vector", () => {
    const { text, images } = render([
      display({ "image/png": "aGk=\n", "text/plain": "<Figure size 640x480>" }),
      display({ "image/svg+xml": "<svg/>", "image/png": "eA==" }),
    ]);
    expect(text).toBe("[image 1: image/png <Figure size 640x480>]\n[image 2: image/png]");
    expect(images).toEqual([
      { name: "image 1", media_type: "image/png", data: "aGk=" },
      { name: "image 2", media_type: "image/png", data: "eA==" },
    ]);
  });

  it("beyond a number are told in words", () => {
    const { text, images } = render([figure(3), figure(3), figure(2000)], undefined, {
      images: { count: 2 },
    });
    expect(images.map(({ name }) => name)).toEqual(["image 1", "image 2"]);
    expect(text).toMatch(/\n\[image\/png, 2 kB, not shown: there are 2 images already\]$/);
  });

  it("that are too large, alone or together, are told in words, and others still given", () => {
    const limits = { images: { bytes: 1000, total_bytes: 1500 } };
    const { text, images } = render(
      [figure(1200), figure(900), figure(800), figure(300)],
      undefined,
      limits,
    );
    expect(text.split("\n")).toEqual([
      "[image/png, 1 kB, not shown: one image may have 1 kB]",
      "[image 1: image/png]",
      "[image/png, 800 bytes, not shown: all images may have 2 kB]",
      "[image 2: image/png]",
    ]);
    expect(images).toHaveLength(2);
  });
});

describe("a traceback", () => {
  it("has the cell's lines and no colours, rules or padding", () => {
    expect(captured("frames")).toBe(
      [
        "Traceback (most recent call last):",
        "Cell In[1], line 6",
        "      4 def g(y):",
        "      5     return f(y)",
        "----> 6 g(0)",
        "Cell In[1], line 5, in g(y)",
        "      4 def g(y):",
        "----> 5     return f(y)",
        "Cell In[1], line 2, in f(x)",
        "      1 def f(x):",
        "----> 2     return 1/x",
        "ZeroDivisionError: division by zero",
      ].join("\n"),
    );
    expect(captured("syntax error")).toBe(
      "  Cell In[2], line 1\n    x = = 1\n        ^\nSyntaxError: invalid syntax",
    );
    expect(captured("notes")).toMatch(/\nValueError: v\na note$/);
  });

  it("is without the frames of what runs the cell", () => {
    for (const name of ["magic", "timed cell", "representation that fails"]) {
      expect(captured(name)).not.toContain("IPython");
    }
    expect(captured("magic")).toMatch(
      /run_line_magic.*\nNameError: name 'nosuch' is not defined$/s,
    );
    expect(captured("representation that fails")).toContain("in A._repr_html_(self)");
  });

  it("keeps the frames of libraries", () => {
    const frame =
      "File /usr/lib/python3/dist-packages/pandas/core/frame.py:4102, in f(self)\n-> 1\n";
    const error: Output = {
      output_type: "error",
      ename: "K",
      evalue: "b",
      traceback: [frame, "K: b"],
    };
    expect(render([error]).text).toBe(`${frame}K: b`);
  });

  it("tells a chain of exceptions, and every member of a group", () => {
    expect(captured("chain")).toMatch(
      /KeyError: 'a'\n\nThe above exception was the direct cause.*\nValueError: no a$/s,
    );
    const group = captured("exception group");
    expect(group).toContain('    |   File "<cell>", line 2, in f\n    |     raise ValueError(n)');
    expect(group).toContain("    | ValueError: 0\n");
    expect(group).toContain("    | ValueError: 1\n");
    expect(group).not.toContain("\n\n");
  });

  it("of a thread is what the thread printed", () => {
    expect(captured("thread")).toMatch(
      /^Exception in thread Thread-1.*ZeroDivisionError: division by zero\nafter\n$/s,
    );
  });

  it("is the error's name and message where there is none", () => {
    expect(render([{ output_type: "error", ename: "E", evalue: "v", traceback: [] }]).text).toBe(
      "E: v",
    );
  });
});

describe("a long text", () => {
  it("loses its middle, and says how much", () => {
    const { text } = render([stream(`start${"x".repeat(50_000)}end`)]);
    expect(text.length).toBeLessThan(20_100);
    expect(text).toMatch(/^start/);
    expect(text).toMatch(/end$/);
    expect(text).toContain("30008 characters left out");
  });

  it("is cut where it is long: what is short beside it stays whole", () => {
    const error = kernelOutputs("frames").outputs;
    const { text } = render([stream("x".repeat(100_000)), ...error, stream("y".repeat(100_000))]);
    expect(text).toContain(captured("frames"));
    expect(text.length).toBeLessThan(21_000);
  });

  it("keeps within its limit also when it has very many parts", () => {
    const parts = Array.from({ length: 5000 }, (_, index) =>
      display({ "text/plain": `n ${index}` }),
    );
    const { text } = render(parts, undefined, { limit: 2000 });
    expect(text.length).toBeLessThan(3100);
    expect(text).toMatch(/^n 0\n/);
    expect(text).toMatch(/\nn 4999$/);
  });

  it("has progress bars in their last state", () => {
    expect(render([stream("1%\r100%\n"), stream("done")]).text).toBe("100%\ndone");
  });
});

describe("what a model must know besides", () => {
  it("is how an execution ended that did not end well, and that state is lost", () => {
    expect(render([], { status: "timed_out", state: "lost" }).text).toMatch(
      /deadline after 1.5 s.*variables/,
    );
    expect(
      render([stream("x\n")], { status: "kernel_died", state: "lost", reason: "oom" }).text,
    ).toMatch(/^x\n\[The kernel died \(oom\)/);
    expect(render([stream("x")], {}).text).toBe("x");
  });

  it("is that the interpreter was replaced since the last execution", () => {
    const fresh = { state: "fresh", generation: 2 } as const;
    expect(render([stream("x")], {}, {}, fresh).text).toBe(
      "[This ran in a new interpreter: earlier variables and imports are gone.]\nx",
    );
    expect(render([stream("x")], {}, {}, { ...fresh, generation: 1 }).text).toBe("x");
    expect(render([stream("x")], {}, {}, { state: "kept", generation: 2 }).text).toBe("x");
  });

  it("is which files there are, and where", () => {
    const files = [
      { path: "a.csv", bytes: 12_345, href: "/v1/sessions/s/files/a.csv" },
      { path: "b.txt" },
    ];
    expect(render([stream("x\n")], {}, { files }).text).toBe(
      "x\n[file a.csv, 12 kB: /v1/sessions/s/files/a.csv]\n[file b.txt]",
    );
  });
});
