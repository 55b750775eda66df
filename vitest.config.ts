import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What is awaited by asking for it may take its time on a machine that is busy. */
const patient = { poll: { timeout: 15_000 } };

/** What the sandboxes of a project's tests run in. */
const onRuntime = (runtime: "docker" | "local") => ({
  env: { HOTCELL_TEST_RUNTIME: runtime },
  testTimeout: 120_000,
  hookTimeout: 300_000,
  expect: patient,
  maxWorkers: 2,
});

/** The files that take minutes, so that none of them begins when all others are done. */
const LONGEST = /test\/(attacks|chaos|runtimes\/docker-gvisor|e2e\/(floods|run|restart))\b/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONGEST.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          testTimeout: 20_000,
          hookTimeout: 20_000,
          expect: patient,
          include: ["test/**/*.test.ts"],
          exclude: [
            ...["test/e2e/**", "test/attacks/**", "test/chaos/chaos.test.ts", "test/kerneld/**"],
            ...["test/runtimes/*.test.ts", "test/images/root/**", "test/integrations/*.test.ts"],
          ],
        },
      },
      {
        test: {
          name: "local",
          include: [
            ...["test/{e2e,attacks}/**/*.test.ts", "test/chaos/chaos.test.ts"],
            ...["test/runtimes/local*.test.ts", "test/kerneld/host/**/*.test.ts"],
            ...["test/images/root/**/*.test.ts", "test/integrations/*.test.ts"],
          ],
          exclude: ["test/attacks/attacks-gvisor.test.ts"],
          ...onRuntime("local"),
        },
      },
      {
        test: {
          name: "engine",
          include: [
            ...["test/{e2e,attacks}/**/*.test.ts", "test/chaos/chaos.test.ts"],
            ...["test/runtimes/docker*.test.ts", "test/kerneld/{daemon,user}/**/*.test.ts"],
          ],
          ...onRuntime("docker"),
        },
      },
    ],
  },
});
