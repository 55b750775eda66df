import { describe, expect, it } from "vitest";
import type { FinishedEvent } from "../../src/kernels/event.js";
import type { Output } from "../../src/kernels/output.js";
import { renderForModel } from "../../src/streaming/model-text.js";

const display = (data: Record<string, unknown>): Output => ({
  output_type: "display_data",
  data,
  metadata: {},
});
const stream = (text: string): Output => ({ output_type: "stream", name: "stdout", text });

function render(outputs: Output[], finished?: Partial<FinishedEvent>) {
  return renderForModel({
    outputs,
    updates: [],
    dropped_outputs: 0,
    started: undefined,
    finished:
      finished &&
      ({ status: "ok", duration_ms: 1500, state: "kept", ...finished } as FinishedEvent),
  });
}

describe("what a model reads", () => {
  it("is the plain form of a table, not its HTML", () => {
    expect(
      render([display({ "text/plain": "a b\n1 2", "text/html": "<table>…</table>" })]).text,
    ).toBe("a b\n1 2");
  });

  it("is HTML as text where nothing plainer came", () => {
    const html =
      "<style>x{}</style><table><tr><td>a &amp; b</td><td>2</td></tr><tr><td>3</td></tr></table>";
    expect(render([display({ "text/html": html })]).text).toBe("a & b\t2\n3");
  });

  it("names pictures and gives them apart, the raster before the vector", () => {
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

  it("has tracebacks without colours and progress bars in their last state", () => {
    const error: Output = {
      output_type: "error",
      ename: "ValueError",
      evalue: "bad",
      traceback: ["\u001b[31mValueError\u001b[0m", "bad"],
    };
    expect(render([stream("1%\r100%\n"), error]).text).toBe("100%\nValueError\nbad");
  });

  it("falls back to the error's name where there is no traceback", () => {
    expect(render([{ output_type: "error", ename: "E", evalue: "v", traceback: [] }]).text).toBe(
      "E: v",
    );
  });

  it("loses its middle when it is long, and says how much", () => {
    const { text } = render([stream(`start${"x".repeat(50_000)}end`)]);
    expect(text.length).toBeLessThan(20_100);
    expect(text).toMatch(/^start/);
    expect(text).toMatch(/end$/);
    expect(text).toContain("30008 characters left out");
  });

  it("tells how an execution ended that did not end well, and that state is lost", () => {
    expect(render([], { status: "timed_out", state: "lost" }).text).toMatch(
      /deadline after 1.5 s.*variables/,
    );
    expect(
      render([stream("x\n")], { status: "kernel_died", state: "lost", reason: "oom" }).text,
    ).toMatch(/^x\n\[The kernel died \(oom\)/);
    expect(render([stream("x")], {}).text).toBe("x");
  });

  it("names what has no text", () => {
    expect(render([display({ "application/vnd.plotly.v1+json": { data: [] } })]).text).toBe(
      "[application/vnd.plotly.v1+json]",
    );
    expect(render([display({ "application/json": { a: 1 } })]).text).toBe('{"a":1}');
    expect(render([display({ "text/latex": "$x$" })]).text).toBe("$x$");
  });
});
