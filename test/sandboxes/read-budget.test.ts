import { describe, expect, it } from "vitest";

import { type ReadAccount, createReadBudget } from "../../src/sandboxes/read-budget.js";

const KIBIBYTE = 1024;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Reads as fast as it is let, and counts what it got. */
function reader(account: ReadAccount): { read: number; stop(): void } {
  const state = { read: 0, stopped: false, stop: () => void (state.stopped = true) };
  const read = () => {
    if (state.stopped) return;
    do state.read += 64 * KIBIBYTE;
    while (account.spend(64 * KIBIBYTE));
    account.turn(read);
  };
  read();
  return state;
}

describe("the read budget", () => {
  it("gives a sandbox half a mebibyte a turn", async () => {
    const flood = reader(createReadBudget().account());
    expect(flood.read).toBeLessThanOrEqual(576 * KIBIBYTE);
    await turn();
    await turn();
    await turn();
    expect(flood.read).toBeGreaterThan(576 * KIBIBYTE);
    expect(flood.read).toBeLessThanOrEqual(5 * 576 * KIBIBYTE);
    flood.stop();
  });

  it("gives every sandbox its turn, in order, a few at a time", async () => {
    const budget = createReadBudget();
    const floods = Array.from({ length: 40 }, () => reader(budget.account()));
    const first = floods.map(({ read }) => read);
    for (let n = 0; n < 6; n += 1) await turn();
    const grown = floods.map(({ read }, index) => read - (first[index] ?? 0));
    expect(Math.min(...grown)).toBeGreaterThan(0);
    expect(Math.max(...grown)).toBeLessThanOrEqual(2 * 576 * KIBIBYTE);
    for (const flood of floods) flood.stop();
  });

  it("counts chunks, not only bytes", () => {
    const account = createReadBudget().account();
    let chunks = 1;
    while (account.spend(1)) chunks += 1;
    expect(chunks).toBeLessThan(10_000);
  });

  it("lets a sandbox that reads little read on", async () => {
    const account = createReadBudget().account();
    for (let n = 0; n < 100; n += 1) {
      expect(account.spend(64 * KIBIBYTE)).toBe(true);
      await turn();
    }
  });
});
