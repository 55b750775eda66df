import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          testTimeout: 20_000,
          hookTimeout: 20_000,
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/runtimes/*.test.ts", "test/kerneld/**"],
        },
      },
      {
        test: {
          name: "engine",
          include: [
            "test/e2e/**/*.test.ts",
            "test/runtimes/*.test.ts",
            "test/kerneld/**/*.test.ts",
          ],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
