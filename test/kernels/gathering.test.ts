import { describe, expect, it } from "vitest";
import { CharacterBudget } from "../../src/kernels/character-budget.js";
import { Gathering } from "../../src/kernels/gathering.js";
import { events, finished } from "./events.js";

function gather(...fields: Parameters<typeof events>) {
  const gathering = new Gathering();
  for (const event of events(...fields)) gathering.add(event);
  return gathering.result();
}

const text = (name: "stdout" | "stderr", value: string) =>
  ({ type: "stream", name, text: value }) as const;
const display = (value: string, display_id?: string) =>
  ({
    type: "display_data",
    data: { "text/plain": value },
    metadata: {},
    ...(display_id === undefined ? {} : { display_id }),
  }) as const;

describe("gathering an execution's events", () => {
  it("joins text of one stream and starts anew when the stream changes", () => {
    const { outputs } = gather(
      text("stdout", "a"),
      text("stdout", "b"),
      text("stderr", "c"),
      text("stdout", "d"),
    );
    expect(outputs).toEqual([
      { output_type: "stream", name: "stdout", text: "ab" },
      { output_type: "stream", name: "stderr", text: "c" },
      { output_type: "stream", name: "stdout", text: "d" },
    ]);
  });

  it("gives the same result when it is asked twice, and more after more events", () => {
    const gathering = new Gathering();
    const [first, second] = events(text("stdout", "a"), text("stdout", "b"));
    if (first) gathering.add(first);
    gathering.result();
    expect(gathering.result().outputs).toEqual([
      { output_type: "stream", name: "stdout", text: "a" },
    ]);
    if (second) gathering.add(second);
    expect(gathering.result().outputs).toEqual([
      { output_type: "stream", name: "stdout", text: "ab" },
    ]);
  });

  it("keeps carriage returns as they are", () => {
    expect(gather(text("stdout", "1%\r2%\r")).outputs).toEqual([
      { output_type: "stream", name: "stdout", text: "1%\r2%\r" },
    ]);
  });

  it("applies an update to every display with its id", () => {
    const { outputs, updates } = gather(
      display("one", "x"),
      display("other"),
      display("two", "x"),
      {
        type: "update_display_data",
        data: { "text/plain": "new" },
        metadata: { k: 1 },
        display_id: "x",
      },
    );
    expect(outputs.map((output) => ("data" in output ? output.data["text/plain"] : ""))).toEqual([
      "new",
      "other",
      "new",
    ]);
    expect(updates).toEqual([]);
  });

  it("keeps the last update of a display that another execution made", () => {
    const update = (value: string) =>
      ({
        type: "update_display_data",
        data: { "text/plain": value },
        metadata: {},
        display_id: "y",
      }) as const;
    expect(gather(update("1"), update("2"))).toMatchObject({
      outputs: [],
      updates: [{ display_id: "y", data: { "text/plain": "2" } }],
    });
  });

  it("clears at once, or when the next output comes", () => {
    expect(gather(text("stdout", "a"), { type: "clear_output", wait: false }).outputs).toEqual([]);
    const waiting = gather(text("stdout", "a"), { type: "clear_output", wait: true });
    expect(waiting.outputs).toHaveLength(1);
    const followed = gather(
      text("stdout", "a"),
      { type: "clear_output", wait: true },
      text("stdout", "b"),
    );
    expect(followed.outputs).toEqual([{ output_type: "stream", name: "stdout", text: "b" }]);
  });

  it("updates nothing that was cleared", () => {
    const { outputs, updates } = gather(
      display("one", "x"),
      { type: "clear_output", wait: false },
      { type: "update_display_data", data: { "text/plain": "new" }, metadata: {}, display_id: "x" },
    );
    expect(outputs).toEqual([]);
    expect(updates).toHaveLength(1);
  });

  it("keeps a result that comes after an error, and how it ended", () => {
    const result = gather(
      { type: "error", ename: "E", evalue: "v", traceback: ["t"] },
      { type: "execute_result", data: { "text/plain": "1" }, metadata: {}, execution_count: 3 },
      finished,
    );
    expect(result.outputs.map((output) => output.output_type)).toEqual(["error", "execute_result"]);
    expect(result.finished?.status).toBe("ok");
  });

  it("says where output was left out or is missing", () => {
    const { outputs } = gather(
      text("stdout", "head"),
      { type: "output_truncated", name: "stdout", dropped_bytes: 77 },
      text("stdout", "tail"),
    );
    expect(outputs).toHaveLength(1);
    expect(outputs[0]).toMatchObject({
      text: expect.stringMatching(/^head\n\[… 77 bytes .*\]\ntail$/) as string,
    });
    expect(
      JSON.stringify(gather({ type: "gap", from: 1, to: 2, reason: "evicted" }).outputs),
    ).toContain("evicted");
  });

  it("drops and counts outputs past its capacity", () => {
    const gathering = new Gathering({ capacity: 1000 });
    for (const event of events(
      text("stdout", "x".repeat(600)),
      text("stdout", "y".repeat(600)),
      text("stdout", "z"),
    )) {
      gathering.add(event);
    }
    const { outputs, dropped_outputs } = gathering.result();
    expect(dropped_outputs).toBe(1);
    expect(outputs).toEqual([
      { output_type: "stream", name: "stdout", text: `${"x".repeat(600)}z` },
    ]);
  });

  it("counts what updates make of displays, its own and earlier ones", () => {
    const gathering = new Gathering({ capacity: 1000 });
    const display = (type: "display_data" | "update_display_data", id: string, size: number) =>
      ({ type, display_id: id, data: { "text/plain": "x".repeat(size) }, metadata: {} }) as const;
    for (const event of events(
      display("display_data", "own", 10),
      display("update_display_data", "own", 2000),
      display("update_display_data", "own", 300),
      display("update_display_data", "earlier", 10),
      display("update_display_data", "earlier", 2000),
      display("update_display_data", "earlier", 20),
    )) {
      gathering.add(event);
    }
    const { outputs, updates, dropped_outputs } = gathering.result();
    expect(dropped_outputs).toBe(2);
    expect(outputs).toMatchObject([{ data: { "text/plain": "x".repeat(300) } }]);
    expect(updates).toMatchObject([{ data: { "text/plain": "x".repeat(20) } }]);
  });

  it("keeps a hundred thousand updates and as many pieces of text, in order", () => {
    const gathering = new Gathering();
    const parts = Array.from({ length: 100_000 }, (_none, index) => String(index));
    const add = (event: Parameters<typeof events>[0]) => {
      for (const made of events(event)) gathering.add(made);
    };
    for (const part of parts) add(text("stdout", part));
    for (const id of parts) {
      add({
        type: "update_display_data",
        display_id: id,
        data: { "text/plain": id },
        metadata: {},
      });
    }
    const { outputs, updates } = gathering.result();
    expect(outputs).toEqual([{ output_type: "stream", name: "stdout", text: parts.join("") }]);
    expect(updates.map(({ display_id }) => display_id)).toEqual(parts);
  });

  it("shares a budget with others past its own part, and gives it back", () => {
    const megabyte = 1024 * 1024;
    const budget = new CharacterBudget(megabyte);
    const gather = () => {
      const gathering = new Gathering({ budget });
      for (const event of events(
        ...Array.from({ length: 4 }, () => text("stdout", "x".repeat(megabyte - 1024))),
      )) {
        gathering.add(event);
      }
      return gathering;
    };
    const first = gather();
    expect(first.result().dropped_outputs).toBe(1);
    const second = gather();
    expect(second.result().dropped_outputs).toBe(2);
    expect(second.result().outputs).toMatchObject([{ text: "x".repeat(2 * (megabyte - 1024)) }]);
    first.close();
    first.close();
    expect(gather().result().dropped_outputs).toBe(1);
    expect(gather().result().dropped_outputs).toBe(2);
  });

  it("takes keys that are names of Object.prototype as data", () => {
    const data = Object.create(null) as Record<string, unknown>;
    data["__proto__"] = "p";
    data["constructor"] = "c";
    const { outputs } = gather({ type: "display_data", data, metadata: {} });
    expect(Object.keys((outputs[0] as { data: object }).data)).toEqual([
      "__proto__",
      "constructor",
    ]);
    expect(({} as Record<string, unknown>)["p"]).toBeUndefined();
  });
});
