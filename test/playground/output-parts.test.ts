import { describe, expect, it } from "vitest";
import { parseFrameMessage, parsePageMessage } from "../../playground/src/frame/frame-message.js";
import { artifactsOf } from "../../playground/src/outputs/artifact.js";
import { byteSize, counted } from "../../playground/src/outputs/counted.js";
import { parentPath, ROOT, visibleNodes } from "../../playground/src/outputs/json-node.js";
import { latexParts } from "../../playground/src/outputs/latex-part.js";
import { chooseMime, textValue } from "../../playground/src/outputs/mime-choice.js";

describe("the representation that is drawn", () => {
  it.each([
    ["text/html", ["text/plain", "image/png", "text/html"]],
    ["application/vnd.plotly.v1+json", ["text/html", "application/vnd.plotly.v1+json"]],
    ["application/vnd.vegalite.v5+json", ["text/plain", "application/vnd.vegalite.v5+json"]],
    ["application/vnd.vegalite.v6.1+json", ["application/vnd.vegalite.v6.1+json"]],
    ["text/latex", ["text/plain", "image/png", "text/latex"]],
    ["image/svg+xml", ["image/png", "image/svg+xml"]],
    ["application/vnd.own+json", ["application/vnd.own+json"]],
    ["text/plain", ["application/vnd.jupyter.widget-view+json", "text/plain"]],
    [undefined, ["application/vnd.jupyter.widget-view+json"]],
    [undefined, []],
  ])("is %s", (mime, types) => {
    expect(chooseMime(types)?.mime).toBe(mime);
  });

  it("is text also where a notebook holds it as lines", () => {
    expect(textValue(["a\n", "b"])).toBe("a\nb");
  });
});

describe("LaTeX", () => {
  it.each([
    ["x^2", [{ kind: "formula", latex: "x^2", display: true }]],
    ["$x$", [{ kind: "formula", latex: "x", display: false }]],
    ["$\\displaystyle x$", [{ kind: "formula", latex: "\\displaystyle x", display: true }]],
    [
      "so $$x$$ and \\(y\\)",
      [
        { kind: "text", text: "so " },
        { kind: "formula", latex: "x", display: true },
        { kind: "text", text: " and " },
        { kind: "formula", latex: "y", display: false },
      ],
    ],
    [
      "\\begin{align}a\\end{align}",
      [{ kind: "formula", latex: "\\begin{align}a\\end{align}", display: true }],
    ],
  ])("%s is split at its formulas", (source, parts) => {
    expect(latexParts(source)).toEqual(parts);
  });
});

describe("a tree of JSON", () => {
  const value = { list: Array.from({ length: 150 }, (_, index) => index), "a/b": { c: null } };

  it("shows what is open", () => {
    const state = { open: new Set([ROOT, `${ROOT}/a%2Fb`]), shown: new Map() };
    expect(visibleNodes(value, state).map(({ path, level }) => [path, level])).toEqual([
      ["$", 1],
      ["$/list", 2],
      ["$/a%2Fb", 2],
      ["$/a%2Fb/c", 3],
    ]);
  });

  it("shows some of many children, and says how many more there are", () => {
    const state = { open: new Set([ROOT, `${ROOT}/list`]), shown: new Map() };
    const nodes = visibleNodes(value, state);
    expect(nodes.filter(({ level }) => level === 3)).toHaveLength(101);
    const more = nodes.find(({ more }) => more > 0);
    expect(more?.more).toBe(50);
    expect(parentPath(more?.path ?? "")).toBe("$/list");
  });
});

describe("artifacts", () => {
  const href = "/v1/sessions/ses_1/executions/exe_1/artifacts/art_1";
  const metadata = (href: unknown) => ({
    hotcell: { artifacts: [{ mime: "image/png", bytes: 1, href }] },
  });

  it("are what the gateway links to", () => {
    expect(artifactsOf(metadata(href))).toEqual([{ mime: "image/png", bytes: 1, href }]);
  });

  it.each(["https://example.com/x", "//example.com/x", `${href}/../../x`, `${href}?x`, 1, null])(
    "are nothing else: %s",
    (other) => {
      expect(artifactsOf(metadata(other))).toEqual([]);
    },
  );

  it.each([
    {},
    { hotcell: null },
    { hotcell: { artifacts: 1 } },
    { hotcell: { artifacts: [null] } },
  ])("need not be there: %j", (other) => {
    expect(artifactsOf(other)).toEqual([]);
  });
});

describe("messages of a frame", () => {
  it.each([
    [{ type: "ready", more: 1 }, { type: "ready" }],
    [
      { type: "height", height: 12.5 },
      { type: "height", height: 12.5 },
    ],
    [
      { type: "link", href: "https://example.com" },
      { type: "link", href: "https://example.com/" },
    ],
    [
      { type: "blocked", host: "cdn.example:8080" },
      { type: "blocked", host: "cdn.example:8080" },
    ],
  ])("are taken: %j", (data, message) => {
    expect(parseFrameMessage(data)).toEqual(message);
  });

  it.each([
    undefined,
    null,
    "ready",
    { type: "other" },
    { type: "height", height: -1 },
    { type: "height", height: Infinity },
    { type: "link", href: "javascript:alert(1)" },
    { type: "link", href: "/relative" },
    { type: "link", href: `https://example.com/${"x".repeat(5000)}` },
    { type: "blocked", host: "a b" },
    { type: "failed", reason: 1 },
  ])("are refused: %j", (data) => {
    expect(parseFrameMessage(data)).toBeUndefined();
  });
});

describe("messages of the page", () => {
  const theme = { scheme: "dark", properties: { "--text": "#fff" } };

  it("are taken", () => {
    const message = { type: "render", mime: "text/html", value: "x", theme };
    expect(parsePageMessage(message)).toEqual(message);
  });

  it.each([
    { type: "render", mime: "text/html", value: "x" },
    { type: "render", value: "x", theme },
    { type: "theme", theme: { scheme: "blue", properties: {} } },
    { type: "theme", theme: { scheme: "dark", properties: { color: "red" } } },
    { type: "ready", theme },
  ])("are refused: %j", (data) => {
    expect(parsePageMessage(data)).toBeUndefined();
  });
});

describe("numbers in words", () => {
  it("have their noun", () => {
    expect([counted(1, "line"), counted(100_000, "line")]).toEqual(["1 line", "100,000 lines"]);
  });

  it("are sizes", () => {
    expect([byteSize(1), byteSize(1500), byteSize(12_345_678)]).toEqual([
      "1 byte",
      "1.5 kB",
      "12 MB",
    ]);
  });
});
