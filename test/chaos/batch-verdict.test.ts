import { describe, expect, it } from "vitest";
import { isWithoutParts } from "./batch-verdict.js";

const line = (number: number): string => `${`${number} `.repeat(160)}\n`;
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => line(from + index)).join("");

describe("a text of which parts are missing", () => {
  const whole = lines(0, 100);

  it.each([
    ["all of it", whole, 0],
    ["without its beginning", lines(7, 100), 1],
    ["without its end", lines(0, 70), 1],
    ["without a part in its middle", lines(0, 7) + lines(20, 100), 1],
    ["without two parts", lines(3, 16) + lines(20, 100), 2],
    ["without three parts", lines(3, 16) + lines(20, 60) + lines(70, 80), 4],
    ["without anything", "", 1],
  ])("is told apart: %s", (_, text, parts) => {
    expect(isWithoutParts(whole, text, parts)).toBe(true);
  });

  it.each([
    ["more parts than were said", lines(3, 16) + lines(20, 100), 1],
    ["a part without a word", lines(0, 70), 0],
    ["another order", lines(20, 30) + lines(3, 7), 2],
    ["something else", `${lines(0, 7)}x${lines(7, 100)}`, 1],
    ["something more", `${whole}x`, 1],
  ])("is told from one with %s", (_, text, parts) => {
    expect(isWithoutParts(whole, text, parts)).toBe(false);
  });
});
