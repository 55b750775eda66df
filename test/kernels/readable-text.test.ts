import { describe, expect, it } from "vitest";
import { readableText } from "../../src/kernels/readable-text.js";
import { RawJson } from "../../src/sandboxes/raw-json.js";

const NAMELESS = "<IPython.core.display.HTML object>";

describe("what is read of a MIME bundle", () => {
  it.each([
    [{ "text/markdown": "*m*", "text/plain": "m" }, "*m*"],
    [{ "text/plain": "a b\n1 2", "text/html": "<table>…</table>" }, "a b\n1 2"],
    [{ "text/plain": NAMELESS, "text/html": "<p>one</p><b>two</b>" }, "one\ntwo"],
    [{ "text/plain": NAMELESS.replace("HTML", "Latex"), "text/latex": "$x$" }, "$x$"],
    [{ "text/plain": NAMELESS.replace("HTML", "JSON"), "application/json": { a: 1 } }, '{"a":1}'],
    [{ "application/json": RawJson.from('{"text": 1}') }, '{"text": 1}'],
    [{ "text/plain": NAMELESS, "text/html": "<script>run()</script>" }, NAMELESS],
    [{ "application/x": 1 }, undefined],
  ])("%#: the best form that is text", (data, text) => {
    expect(readableText(data as Record<string, unknown>)).toBe(text);
  });
});
