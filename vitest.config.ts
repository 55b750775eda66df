import { defineConfig } from "vitest/config";

/** What is awaited by asking for it may take its time on a machine that is busy. */
const patient = { poll: { timeout: 15_000 } };

/** What the sandboxes of a project's tests run in. */
const onRuntime = (runtime: "docker" | "local") => ({
  env: { HOTCELL_TEST_RUNTIME: runtime },
  testTimeout: 120_000,
  hookTimeout: 300_000,
  expect: patient,
  fileParallelism: false,
});

export default defineConfig({
  test: {
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
