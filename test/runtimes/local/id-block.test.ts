import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { homeIdBlock, parseIdMap, roomFor } from "../../../src/runtimes/local/id-block.js";
import { idClaims } from "../../../src/runtimes/local/id-claims.js";

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), "hc-"))));
afterEach(() => rm(directory, { recursive: true }));

const block = { first: 1_000_000_000, count: 65_536 };

describe("a home's block of ids", () => {
  test.skipIf(process.getuid?.() !== 0)("is drawn once, also by two at once (root)", async () => {
    const [one, two] = await Promise.all([homeIdBlock(directory), homeIdBlock(directory)]);
    expect(one).toEqual(two);
    expect(await homeIdBlock(directory)).toEqual(one);
    expect(one?.first).toBeGreaterThanOrEqual(1_000_000_000);
  });

  test("lies where the user namespace has ids", () => {
    const whole = parseIdMap("         0          0 4294967295\n");
    const small = parseIdMap("0 100000 65536\n");
    const range = { from: 1_000_000_000, to: 1_999_999_999 };
    expect(roomFor(range, [whole, whole])).toEqual([range]);
    expect(roomFor(range, [small, whole])).toEqual([]);
    expect(roomFor({ from: 1, to: 200_000 }, [parseIdMap("0 0 1000\n1000 5000 90000")])).toEqual([
      { from: 1000, to: 90_999 },
    ]);
  });
});

describe("ids of sandboxes", () => {
  const claims = () => idClaims(join(directory, "ids"), async () => block);

  test("are each one sandbox's, by whichever process it is made", async () => {
    const names = Array.from({ length: 40 }, (_, number) => `sandbox-${number}`);
    const ids = await Promise.all(names.map((name) => claims().claim(name)));
    expect(new Set(ids).size).toBe(40);
    expect(Math.min(...ids)).toBeGreaterThan(0);
    expect((await claims().list()).get("sandbox-7")).toBe(ids[7]);
  });

  test("are given back by their own sandbox alone", async () => {
    const id = await claims().claim("one");
    await claims().release("another", id);
    expect(await claims().list()).toEqual(new Map([["one", id]]));
    await claims().release("one", id);
    await claims().release("one", id);
    expect(await claims().list()).toEqual(new Map());
  });

  test("are all the same where there is no block", async () => {
    const single = idClaims(join(directory, "ids"), async () => undefined);
    expect([await single.claim("a"), await single.claim("b")]).toEqual([0, 0]);
  });
});
