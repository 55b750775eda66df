import { describe, expect, it } from "vitest";
import { htmlText } from "../../src/kernels/html-text.js";

function table(rows: number, columns: number): string {
  const cells = (tag: string, row: string) =>
    Array.from({ length: columns }, (_, column) => `<${tag}>${row}${column}</${tag}>`).join("");
  const body = Array.from({ length: rows }, (_, row) => `<tr>${cells("td", `${row}.`)}</tr>`);
  return `<table><thead><tr>${cells("th", "c")}</tr></thead><tbody>${body.join("")}</tbody></table>`;
}

describe("HTML as text", () => {
  it("has blocks on lines of their own, decoded and without markup", () => {
    expect(
      htmlText(
        "<h1>A &amp; B</h1>\n <p>one\n two<br>three &#8211; &#x263a;</p><ul><li>x<li>y</ul>",
      ),
    ).toBe("A & B\n\none two\nthree – ☺\n\n- x\n- y");
    expect(htmlText("<pre>a\n  b</pre>c")).toBe("a\n  b\nc");
  });

  it("has no scripts, styles, drawings or comments in it, closed or not", () => {
    const html =
      "a<style>b{}</style><script>1 < 2</SCRIPT ><!-- <p>c --><svg><text>d</text></svg>e";
    expect(htmlText(html)).toBe("ae");
    expect(htmlText("a<script>alert(1)")).toBe("a");
    expect(htmlText("a<!-- b")).toBe("a");
  });

  it("leaves what is no markup", () => {
    expect(htmlText("1 < 2 &copy &bogus; &#0; <")).toBe("1 < 2 &copy &bogus; &#0; <");
    expect(htmlText("İ<script>x</script>y")).toBe("İy");
  });

  it("aligns tables: numbers to the right, text to the left", () => {
    const html =
      "<p>t</p><table><tr><th>name</th><th>n</th></tr><tr><td>a</td><td>1.5</td></tr><tr><td>long</td><td>-22</td></tr></table>end";
    expect(htmlText(html)).toBe("t\n\nname    n\na     1.5\nlong  -22\nend");
  });

  it("shows the first and last rows of a long table, and says how many there are", () => {
    const lines = htmlText(table(1000, 2)).split("\n");
    expect(lines).toHaveLength(1 + 20 + 1 + 10 + 1);
    expect(lines[20]).toMatch(/^ ?19\.0/);
    expect(lines[21]).toBe("…");
    expect(lines[22]).toMatch(/^990\.0/);
    expect(lines.at(-1)).toBe("[1000 rows × 2 columns in all]");
    expect(htmlText(table(50, 2))).not.toContain("in all");
    expect(htmlText(table(51, 2)).split("\n")[22]).toMatch(/^41\.0/);
  });

  it("shows the first and last columns of a wide table, and says how many there are", () => {
    const lines = htmlText(table(2, 100)).split("\n");
    expect(lines[0]).toMatch(/^ *c0 .* c13 +… +c94 .* c99$/);
    expect(lines.at(-1)).toBe("[2 rows × 100 columns in all]");
  });

  it("cuts long cells, and takes a table within a cell as its text", () => {
    expect(htmlText(`<table><tr><td>${"x".repeat(100)}</td></tr></table>`)).toBe(
      `${"x".repeat(59)}…`,
    );
    expect(
      htmlText("<table><tr><td>a<table><tr><td>b</td><td>c</td></tr></table></td></tr></table>"),
    ).toBe("a b c");
    expect(htmlText("<table><tr><td>never closed")).toBe("never closed");
  });

  it("reads hostile markup in one pass", () => {
    const size = 1_000_000;
    for (const part of [
      "<",
      "<a",
      "<!--",
      "<table><tr><td>",
      "<script",
      "&#",
      "</",
      "<td colspan=9999>",
    ]) {
      expect(typeof htmlText(part.repeat(size / part.length))).toBe("string");
    }
  });
});
