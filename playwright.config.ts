import { defineConfig } from "@playwright/test";

const executablePath = process.env["HOTCELL_TEST_CHROMIUM"] ?? "/usr/bin/chromium-headless-shell";
// Chromium's own sandbox does not work as root.
const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];

/** Tests of the playground, in a real browser, with a real gateway and kernels of the embedded runtime. */
export default defineConfig({
  testDir: "test/playground",
  testMatch: "**/*.spec.ts",
  outputDir: "test-results",
  workers: 1,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: "list",
  use: { launchOptions: { executablePath, args: [...asRoot, "--disable-dev-shm-usage"] } },
});
