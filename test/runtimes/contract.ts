import { describe } from "vitest";
import type { RuntimeUnderTest } from "./contract/harness.js";
import { describeIsolation } from "./contract/isolation.js";
import { describeLifeCycle } from "./contract/life-cycle.js";
import { describeLimits } from "./contract/limits.js";

/** What every runtime must do, as tests. */
export function describeRuntime(name: string, underTest: RuntimeUnderTest): void {
  describe(`the ${name} runtime`, () => {
    describeLifeCycle(underTest);
    describeIsolation(underTest);
    describeLimits(underTest);
  });
}
