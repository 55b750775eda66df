import { test as base, type Page } from "@playwright/test";
import type { CellOutput } from "../../playground/src/outputs/cell-output.js";
import { openOutputSite, type OutputSite } from "./output-site.js";

type Bundle = Readonly<Record<string, unknown>>;

/** A page that shows nothing but outputs. */
export class OutputPage {
  #key = 0;

  constructor(
    readonly page: Page,
    readonly site: OutputSite,
  ) {}

  async open(): Promise<void> {
    await this.page.goto(this.site.origin);
    await this.page.waitForFunction(() => "harness" in window);
  }

  async show(outputs: readonly CellOutput[], running = false): Promise<void> {
    await this.page.evaluate(([next, isRunning]) => window.harness.show(next, isRunning), [
      outputs,
      running,
    ] as const);
  }

  display(data: Bundle, metadata: Bundle = {}): CellOutput {
    return { output_type: "display_data", data, metadata, key: this.#nextKey() };
  }

  stream(text: string, name: "stdout" | "stderr" = "stdout"): CellOutput {
    return { output_type: "stream", name, text, key: this.#nextKey() };
  }

  error(ename: string, evalue: string, traceback: string[]): CellOutput {
    return { output_type: "error", ename, evalue, traceback, key: this.#nextKey() };
  }

  #nextKey(): number {
    this.#key += 1;
    return this.#key;
  }
}

export const test = base.extend<{ outputPage: OutputPage }, { site: OutputSite }>({
  site: [
    // Playwright finds a fixture's dependencies in this pattern; there are none.
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const site = await openOutputSite();
      await use(site);
      await site.close();
    },
    { scope: "worker", timeout: 120_000 },
  ],
  outputPage: async ({ page, site }, use) => {
    site.requests.length = 0;
    site.answers.clear();
    const outputPage = new OutputPage(page, site);
    await outputPage.open();
    await use(outputPage);
  },
});

export { expect } from "@playwright/test";
