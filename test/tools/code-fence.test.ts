import { describe, expect, it } from "vitest";
import { fencedBlocks, unfenced } from "../../src/tools/code-fence.js";

const readme = 'text = """\n# Title\n```bash\nls\n```\n"""\nprint(text)';

describe("code as models send it", () => {
  it.each([
    ["plain code", "x = 1\nprint(x)", "x = 1\nprint(x)"],
    ["a block", "```python\nx = 1\n```", "x = 1"],
    ["a block without a language", "```\nx = 1\n```\n", "x = 1"],
    ["a block of tildes", "~~~py\nx = 1\n~~~", "x = 1"],
    ["a block in prose", "I run this:\n\n```python\nx = 1\n```\n\nIt sets x.", "x = 1"],
    ["a block that lacks its end", "```python\nx = 1\ny = 2", "x = 1\ny = 2"],
    ["a block with Windows line ends", "```python\r\nx = 1\r\ny = 2\r\n```", "x = 1\ny = 2"],
    ["an indented block", "  ```python\n  if x:\n    y\n  ```", "if x:\n  y"],
    ["a longer fence around a shorter", "````\n```\n````", "```"],
    ["a block whose string has a block", `\`\`\`python\n${readme}\n\`\`\``, readme],
  ])("is taken out of fences: %s", (_what, sent, code) => {
    expect(unfenced(sent)).toBe(code);
  });

  it.each([
    ["a string has the fence", readme],
    ["a cell magic takes the fence", "%%writefile README.md\n```bash\nls\n```"],
    ["there are two blocks", "```python\nx = 1\n```\nthen\n```python\nx = 2\n```"],
    ["a fence is not alone in its line", "x = '```python' + '```'"],
  ])("stays as it is where %s", (_what, code) => {
    expect(unfenced(code)).toBe(code);
  });

  it("has blocks with their languages, and what stands around them", () => {
    expect(fencedBlocks("one\n```sh title\nls\n```\ntwo\n```\nx\n```")).toEqual({
      blocks: [
        { language: "sh", code: "ls" },
        { language: "", code: "x" },
      ],
      around: "one\ntwo",
    });
  });
});
