import { describe, expect, it } from "vitest";
import { outputFolding } from "../../playground/src/notebook/output-folding.js";
import type { ExecutionEvent } from "../../src/kernels/event.js";

const common = { n: 1, at: "2026-01-01T00:00:00Z", execution_id: "exe_1" };

const printed = (text: string): ExecutionEvent => ({
  type: "stream",
  ...common,
  name: "stdout",
  text,
});
const displayed = (text: string, display_id?: string): ExecutionEvent => ({
  type: "display_data",
  ...common,
  data: { "text/plain": text },
  metadata: {},
  ...(display_id === undefined ? {} : { display_id }),
});

describe("outputs of a run", () => {
  it("keep their key while text is added, and are other objects", () => {
    const folding = outputFolding();
    folding.add(printed("a"));
    const [before] = folding.outputs();
    folding.add(printed("b"));
    const [after] = folding.outputs();
    expect(before).toMatchObject({ text: "a" });
    expect(after).toMatchObject({ text: "ab", key: before?.key });
    expect(after).not.toBe(before);
  });

  it("stay the same objects while nothing of them changes", () => {
    const folding = outputFolding();
    folding.add(displayed("figure"));
    folding.add(printed("a"));
    const before = folding.outputs();
    folding.add(printed("b"));
    expect(folding.outputs()[0]).toBe(before[0]);
    expect(folding.outputs()[1]).not.toBe(before[1]);
  });

  it("keep their key through an update of their display", () => {
    const folding = outputFolding();
    folding.add(displayed("1 %", "progress"));
    const [before] = folding.outputs();
    folding.add({
      type: "update_display_data",
      ...common,
      data: { "text/plain": "2 %" },
      metadata: {},
      display_id: "progress",
    });
    const outputs = folding.outputs();
    expect(outputs).toEqual([
      {
        output_type: "display_data",
        data: { "text/plain": "2 %" },
        metadata: {},
        key: before?.key,
      },
    ]);
  });

  it("get new keys after they were cleared", () => {
    const folding = outputFolding();
    folding.add(displayed("first"));
    const [before] = folding.outputs();
    folding.add({ type: "clear_output", ...common, wait: true });
    expect(folding.outputs()).toEqual([before]);
    folding.add(displayed("second"));
    const [after, ...others] = folding.outputs();
    expect(others).toEqual([]);
    expect(after).toMatchObject({ data: { "text/plain": "second" } });
    expect(after?.key).not.toBe(before?.key);
  });

  it("say which displays are theirs", () => {
    const folding = outputFolding();
    folding.add(displayed("x", "mine"));
    expect(folding.shows("mine")).toBe(true);
    expect(folding.shows("another's")).toBe(false);
  });
});
