import { describe, expect, it } from "vitest";
import { LANES, planGatewayKills, planLane, type PlannedBatch, SESSION_FAULTS } from "./plan.js";

/** The first batches of a lane. */
function batches(seed: number, lane: number, count: number): PlannedBatch[] {
  const plan = planLane(seed, lane);
  return Array.from({ length: count }, () => plan.next().value);
}

/** All of it but the scripts, which are long and follow from the code. */
const text = (batches: PlannedBatch[]): string =>
  JSON.stringify(
    batches.map(({ runs, ...batch }) => ({ ...batch, runs: runs.map(({ scene, ...run }) => run) })),
  );

describe("a plan", () => {
  it("is the same for the same seed, and another for another", () => {
    expect(text(batches(1, 2, 20))).toBe(text(batches(1, 2, 20)));
    expect(text(batches(1, 2, 20))).not.toBe(text(batches(2, 2, 20)));
    expect(text(batches(1, 2, 20))).not.toBe(text(batches(1, 3, 20)));
    const kills = planGatewayKills(1);
    expect(kills.next().value).toEqual(planGatewayKills(1).next().value);
  });

  it("has every fault and names no run twice", () => {
    const all = Array.from({ length: LANES }, (_, lane) => lane).flatMap((lane) =>
      batches(1, lane, 6),
    );
    const faults = new Set(all.flatMap((batch) => batch.faults.map(({ what }) => what)));
    expect([...faults].sort()).toEqual([...SESSION_FAULTS].sort());
    const ids = all.flatMap((batch) => batch.runs.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  });
});
