import { describe, expect, it } from "vitest";
import {
  ANY_MODE_SHORTCUTS,
  COMMAND_SHORTCUTS,
  commandReader,
  keyName,
  type KeyPress,
} from "../../playground/src/notebook/shortcuts.js";

function press(key: string, modifiers: Partial<KeyPress> = {}): KeyPress {
  return { key, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, ...modifiers };
}

describe("the name of a key", () => {
  it.each([
    ["a letter", press("a"), "A"],
    ["a letter with Shift", press("A", { shiftKey: true }), "Shift+A"],
    ["a sign that Shift makes", press("?", { shiftKey: true }), "?"],
    ["Enter with Shift", press("Enter", { shiftKey: true }), "Shift+Enter"],
    ["Command as Ctrl", press("Enter", { metaKey: true }), "Ctrl+Enter"],
    [
      "several modifiers",
      press("ArrowUp", { ctrlKey: true, shiftKey: true }),
      "Ctrl+Shift+ArrowUp",
    ],
  ])("has %s", (_, key, name) => {
    expect(keyName(key)).toBe(name);
  });
});

describe("keys of command mode", () => {
  const reader = () => commandReader([...ANY_MODE_SHORTCUTS, ...COMMAND_SHORTCUTS]);

  it("are Jupyter's", () => {
    const commands = Object.fromEntries(
      ["A", "B", "C", "X", "V", "Z", "M", "Y", "J", "K", "Enter", "?"].map((key) => [
        key,
        reader()(press(key.length === 1 ? key.toLowerCase() : key), 0),
      ]),
    );
    expect(commands).toEqual({
      A: "insert-above",
      B: "insert-below",
      C: "copy",
      X: "cut",
      V: "paste",
      Z: "undo",
      M: "to-markdown",
      Y: "to-code",
      J: "select-next",
      K: "select-previous",
      Enter: "edit",
      "?": "show-shortcuts",
    });
  });

  it("come in pairs where a mistake would cost something", () => {
    for (const [key, command] of [
      ["d", "delete"],
      ["i", "interrupt"],
      ["0", "restart"],
    ] as const) {
      const read = reader();
      expect(read(press(key), 0)).toBe("first-of-pair");
      expect(read(press(key), 300)).toBe(command);
      expect(read(press(key), 400)).toBe("first-of-pair");
    }
  });

  it("are no pair when another key or a pause comes between", () => {
    const read = reader();
    read(press("d"), 0);
    expect(read(press("d"), 5000)).toBe("first-of-pair");
    expect(read(press("j"), 5100)).toBe("select-next");
    expect(read(press("d"), 5200)).toBe("first-of-pair");
    expect(read(press("i"), 5300)).toBe("first-of-pair");
    expect(read(press("d"), 5400)).toBe("first-of-pair");
  });

  it("leave the browser's own combinations alone", () => {
    const read = reader();
    expect(read(press("c", { ctrlKey: true }), 0)).toBeUndefined();
    expect(read(press("v", { metaKey: true }), 0)).toBeUndefined();
    expect(read(press("F5"), 0)).toBeUndefined();
  });

  it("each do one thing", () => {
    const keys = [...ANY_MODE_SHORTCUTS, ...COMMAND_SHORTCUTS].flatMap((shortcut) => shortcut.keys);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
