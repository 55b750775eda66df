import { beforeEach, describe, expect, it } from "vitest";
import type { ExecutionEvent } from "../../src/kernels/event.js";
import { type EventPrinter, eventPrinter } from "../../src/run/event-printer.js";
import { type Figure, FigureLimitError } from "../../src/run/figure-files.js";
import { openTerminal } from "../../src/run/terminal.js";
import { OutputCapture } from "./output-capture.js";

const PNG = Buffer.from("pixels").toString("base64");

let stdout: OutputCapture;
let stderr: OutputCapture;
let saved: Figure[][];
let savingFails: Error | undefined;
let printer: EventPrinter;
beforeEach(() => {
  stdout = new OutputCapture(false);
  stderr = new OutputCapture(false);
  saved = [];
  savingFails = undefined;
  const { signal } = new AbortController();
  printer = eventPrinter({
    terminal: openTerminal({ stdout, stderr, env: {}, signal }),
    sessionStays: true,
    figures: {
      save: async (figures) => {
        if (savingFails) throw savingFails;
        saved.push(figures);
        return figures.map((_, index) => `figure-${saved.length}.${index}`);
      },
    },
    artifact: async ({ href }) => {
      if (href.endsWith("gone")) throw new Error("not kept any more");
      return Buffer.from(href.endsWith("png") ? PNG : `text of ${href}`);
    },
  });
});

type Bare = ExecutionEvent extends infer Event
  ? Event extends ExecutionEvent
    ? Omit<Event, "n" | "at" | "execution_id">
    : never
  : never;

async function print(...events: Bare[]): Promise<void> {
  for (const [index, event] of events.entries()) {
    const common = { n: index + 1, at: "2025-01-01T00:00:00.000Z", execution_id: "e" };
    await printer.print({ ...common, ...event });
  }
}

const display = (data: Record<string, unknown>, metadata: Record<string, unknown> = {}): Bare => ({
  type: "display_data",
  data,
  metadata,
});

const finished = (fields: object): Bare => ({
  type: "execution_finished",
  status: "ok",
  execution_count: 1,
  duration_ms: 1500,
  state: "kept",
  usage: { cpu_ms: 1, memory_peak_bytes: 1 },
  output: { stdout_bytes: 0, stderr_bytes: 0, truncated: false },
  ...fields,
});

describe("an execution on the terminal", () => {
  it("shows each stream as it comes, sequences cut between events and all", async () => {
    await print(
      { type: "stream", name: "stdout", text: "a\u001b]0;ti" },
      { type: "stream", name: "stderr", text: "warning\n" },
      { type: "stream", name: "stdout", text: "tle\u0007b\n" },
    );
    expect(stdout.text).toBe("ab\n");
    expect(stderr.text).toBe("warning\n");
  });

  it.each([
    [{ "text/plain": "2", "text/html": "<b>2</b>" }, "2\n"],
    [{ "text/markdown": "*m*", "text/html": "<b>" }, "*m*\n"],
    [{ "text/latex": "$x$" }, "$x$\n"],
    [{ "application/json": { a: [1] } }, '{"a":[1]}\n'],
  ])("shows the text of %j", async (data, text) => {
    await print({ type: "execute_result", data, metadata: {}, execution_count: 1 });
    expect(stdout.text).toBe(text);
  });

  it("names what it cannot show, harmlessly", async () => {
    await print(display({ "text/html": "<b>", "x/\u001b]0;t\u0007y\nz": "1" }));
    expect(stdout.text).toBe("");
    expect(stderr.text).toBe("[a value that is not text: text/html, x/y z]\n");
  });

  it("saves figures in all their forms and says where, without their text", async () => {
    await print(
      display({ "image/png": PNG, "image/svg+xml": "<svg/>", "text/plain": "<Figure>" }),
      { type: "execute_result", data: { "image/png": PNG }, metadata: {}, execution_count: 1 },
    );
    expect(saved.map((figures) => figures.map(({ mediaType }) => mediaType))).toEqual([
      ["image/png", "image/svg+xml"],
      ["image/png"],
    ]);
    expect(saved[0]?.[0]?.bytes.toString()).toBe("pixels");
    expect(stdout.text).toBe("");
    expect(stderr.text).toBe("Saved figure-1.0\nSaved figure-1.1\nSaved figure-2.0\n");
  });

  it("fetches figures and text that were too large for their event", async () => {
    const link = (mime: string, href: string) => ({
      hotcell: { artifacts: [{ mime, bytes: 1, href }] },
    });
    await print(
      display({ "text/plain": "<Figure>" }, link("image/png", "/v1/png")),
      display({}, link("text/plain", "/v1/b")),
    );
    expect(saved[0]?.[0]?.bytes.toString()).toBe("pixels");
    expect(stdout.text).toBe("text of /v1/b\n");
    expect(printer.incomplete).toBe(false);
    await print(display({ "text/plain": "<Figure>" }, link("image/png", "/v1/gone")));
    expect(stderr.text).toContain("could not be fetched: not kept any more");
    expect(printer.incomplete).toBe(true);
  });

  it.each([
    { hotcell: 1 },
    { hotcell: { artifacts: "x" } },
    { hotcell: { artifacts: [null, 1, {}, { mime: "image/png", href: 1 }] } },
  ])("takes no harm from metadata like %j", async (metadata) => {
    await print(display({ "text/plain": "t" }, metadata));
    expect(stdout.text).toBe("t\n");
  });

  it("says once that figures are not saved, and remembers it", async () => {
    savingFails = new FigureLimitError("no more than 3 figures");
    await print(display({ "image/png": PNG }), display({ "image/png": PNG }));
    expect(stderr.text).toBe("A figure could not be saved: no more than 3 figures\n");
    expect(printer.incomplete).toBe(true);
  });

  it("shows what updated displays come to, once, at the end", async () => {
    const update = (id: string, text: string): Bare => ({
      type: "update_display_data",
      data: { "text/plain": text },
      metadata: {},
      display_id: id,
    });
    await print(
      display({ "text/plain": "0 %" }),
      ...Array.from({ length: 50 }, (_, index) => update("bar", `${index} %`)),
      update("other", "here"),
    );
    expect(stdout.text).toBe("0 %\n");
    await print(finished({}));
    expect(stdout.text).toBe("0 %\n49 %\nhere\n");
  });

  it("shows errors by their traceback, on standard error", async () => {
    await print({
      type: "error",
      ename: "\u001b]0;t\u0007E",
      evalue: "v",
      traceback: ["\u001b[31mline 1\u001b[2J", "\u009b2Jline 2"],
    });
    expect(stderr.text).toBe("line 1\nline 2\n");
    expect(printer.error?.evalue).toBe("v");
    await print({ type: "error", ename: "\u001b]0;t\u0007E", evalue: "v\u001bc", traceback: [] });
    expect(stderr.text).toBe("line 1\nline 2\nE: v\n");
  });

  it("takes sys.exit for what it is: silent with a code, words with words", async () => {
    const exit = (evalue: string): Bare => ({
      type: "error",
      ename: "SystemExit",
      evalue,
      traceback: ["SystemExit", evalue],
    });
    await print(exit("3"), exit(""));
    expect(stderr.text).toBe("");
    await print(exit("cannot go on"));
    expect(stderr.text).toBe("cannot go on\n");
  });

  it.each([
    [{ status: "ok" }, ""],
    [{ status: "error" }, "The code did not run: see that --cwd and --env make sense\n"],
    [{ status: "interrupted" }, "Interrupted after 1.5 s\n"],
    [{ status: "timed_out", state: "lost" }, "deadline after 1.5 s; its variables are lost\n"],
    [
      { status: "kernel_died", state: "lost", reason: "oom\n\u001b[2Jfake" },
      "The interpreter died after 1.5 s: oom fake; its variables are lost\n",
    ],
    [{ status: "kernel_died", state: "lost", reason: "oom" }, "1.5 s: out of memory; its"],
    [{ status: "kernel_died", state: "lost", reason: "signal 11" }, "1.5 s: signal 11 (SIGSEGV);"],
    [{ status: "kernel_died", state: "lost", reason: "exit 3" }, "ended itself: exit 3"],
    [{ status: "cancelled", reason: "gateway_stopped" }, "after 1.5 s: gateway_stopped\n"],
  ])("says how it ended: %j", async (fields, said) => {
    await print(finished(fields));
    if (said === "") expect(stderr.text).toBe("");
    else expect(stderr.text).toContain(said);
  });

  it("says what is missing of the output", async () => {
    await print(
      { type: "output_truncated", name: "stdout", dropped_bytes: 12 },
      { type: "gap", from: 1, to: 2, reason: "too slow\u001b[2J" },
      { type: "deadline", step: "interrupt" },
      { type: "deadline", step: "kill" },
    );
    expect(stderr.text.split("\n")).toEqual([
      "[… 12 bytes of stdout left out …]",
      "[… output is missing here: too slow …]",
      "The time is up: interrupting",
      "It does not stop: ending the interpreter",
      "",
    ]);
  });
});
