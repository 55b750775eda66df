import { describe, expect, test } from "vitest";
import { drawUidPair } from "../../../src/runtimes/docker/uid-pair.js";

describe("a pair of user ids", () => {
  test("is two neighbours inside the range", () => {
    for (let draw = 0; draw < 200; draw += 1) {
      const { user, kerneld } = drawUidPair({ from: 11, to: 18 }, new Set());
      expect(kerneld).toBe(user + 1);
      expect(user).toBeGreaterThanOrEqual(11);
      expect(kerneld).toBeLessThanOrEqual(18);
    }
  });

  test("shares no id with those that are taken, until none is left", () => {
    const range = { from: 10, to: 29 };
    const taken = new Set<number>();
    for (let pair = 0; pair < 10; pair += 1) {
      const { user, kerneld } = drawUidPair(range, taken);
      expect(taken.has(user) || taken.has(kerneld)).toBe(false);
      taken.add(user).add(kerneld);
    }
    expect(() => drawUidPair(range, taken)).toThrow(/All user ids from 10 to 29/);
  });

  test("needs a range with two ids", () => {
    expect(() => drawUidPair({ from: 11, to: 12 }, new Set())).toThrow(/has no pair/);
  });
});
