import { describe, expect, test } from "vitest";
import { inodesFor, kerneldReserve, tmpfsSizes } from "../../../src/runtimes/limits/tmpfs-sizes.js";
import { RuntimeError, type TmpfsSizes } from "../../../src/runtimes/runtime.js";

const MiB = 1024 ** 2;
const GiB = 1024 * MiB;

const divide = (memoryBytes: number, diskBytes: number | null, workspaceInMemory = true) =>
  tmpfsSizes({ memoryBytes, diskBytes, defaultDiskBytes: GiB, workspaceInMemory });

/** All of it full, with as many files as it may have, as bytes of memory. */
const filled = (sizes: TmpfsSizes): number =>
  Object.values<number>({ ...sizes })
    .filter((size) => size > 0)
    .reduce((sum, size) => sum + size + 2048 * inodesFor(size), 0);

function refusal(action: () => unknown): RuntimeError {
  try {
    action();
  } catch (error) {
    if (error instanceof RuntimeError) return error;
    throw error;
  }
  throw new Error("It was not refused");
}

describe("the memory-backed file systems of a sandbox", () => {
  test("have by default a workspace of 1 GiB in 2 GiB", () => {
    expect(divide(2 * GiB, null).workspace).toBe(GiB);
  });

  test.each([104, 128, 200, 256, 512, 1000, 2048, 4096, 65_536])(
    "all filled leave kerneld's reserve in %d MiB",
    (memory) => {
      for (const inMemory of [true, false]) {
        const sizes = divide(memory * MiB, null, inMemory);
        expect(filled(sizes) + kerneldReserve(memory * MiB)).toBeLessThanOrEqual(memory * MiB);
        expect(sizes.tmp).toBeGreaterThanOrEqual(16 * MiB);
        expect(sizes.shm).toBeGreaterThanOrEqual(8 * MiB);
        for (const size of Object.values<number>({ ...sizes })) expect(size % 4096).toBe(0);
      }
    },
  );

  test("have the workspace that was asked for, or none of it", () => {
    expect(divide(2 * GiB, 1400 * MiB).workspace).toBe(1400 * MiB);
    const { code, message } = refusal(() => divide(2 * GiB, 2 * GiB));
    expect(code).toBe("limit_not_enforceable");
    expect(message).toContain("memory_bytes of 2147483648");
    expect(message).toContain("disk_bytes 2147483648");
  });

  test("fit in the memory that a refusal names, and in no MiB less", () => {
    for (const disk of [64 * MiB, GiB, 10 * GiB]) {
      const { message } = refusal(() => divide(64 * MiB, disk));
      const least = Number(/at least (\d+)/.exec(message)?.[1]);
      expect(divide(least, disk).workspace).toBe(disk);
      expect(refusal(() => divide(least - MiB, disk)).code).toBe("limit_not_enforceable");
    }
  });

  test("leave the workspace's size alone where it is a volume", () => {
    expect(divide(256 * MiB, 100 * GiB, false)).toMatchObject({ workspace: 0 });
  });

  test("are refused where there is no room for the smallest of them", () => {
    const { message } = refusal(() => divide(64 * MiB, null));
    expect(message).not.toContain("disk_bytes");
  });
});

test("kerneld's reserve is an eighth of the memory, between 48 and 128 MiB", () => {
  expect([128, 512, 2048].map((memory) => kerneldReserve(memory * MiB) / MiB)).toEqual([
    48, 64, 128,
  ]);
});
