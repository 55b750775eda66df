import { test as base, type Locator, type Page } from "@playwright/test";
import { type GatewayProcess, startGatewayProcess } from "../e2e/gateway-process.js";
import { type GatewayProxy, openGatewayProxy } from "./gateway-proxy.js";

/** A cell of a notebook file: code, or another kind with its text. */
export type FileCell = string | { markdown: string };

/** An .ipynb file with these cells. */
export function notebookFile(cells: readonly FileCell[]): Buffer {
  const content = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: cells.map((cell, index) =>
      typeof cell === "string"
        ? {
            cell_type: "code",
            id: `cell-${index}`,
            metadata: {},
            source: cell,
            execution_count: null,
            outputs: [],
          }
        : { cell_type: "markdown", id: `cell-${index}`, metadata: {}, source: cell.markdown },
    ),
  };
  return Buffer.from(JSON.stringify(content));
}

/** The playground as people use it: by names and roles. */
export class NotebookPage {
  constructor(
    readonly page: Page,
    readonly gateway: GatewayProcess,
    readonly proxy: GatewayProxy,
  ) {}

  /** Opens it with the link that `hotcell serve` prints. */
  async open(cells?: readonly FileCell[]): Promise<void> {
    await this.page.goto(`${this.proxy.url}/?token=${this.gateway.key}`);
    await this.page.getByRole("button", { name: "Run all" }).waitFor();
    if (cells) await this.load("notebook.ipynb", notebookFile(cells));
  }

  /** Opens a file, as the folder button does. */
  async load(name: string, buffer: Buffer): Promise<void> {
    await this.page
      .getByLabel("Notebook file")
      .setInputFiles({ name, mimeType: "application/x-ipynb+json", buffer });
  }

  cell(number: number): Locator {
    return this.page.getByRole("group", { name: new RegExp(`^Cell ${number},`) });
  }

  get cells(): Locator {
    return this.page.getByRole("group", { name: /^Cell \d+,/ });
  }

  editor(number: number): Locator {
    return this.page.getByRole("textbox", { name: `Code of cell ${number}` });
  }

  output(number: number): Locator {
    return this.page.getByRole("group", { name: `Output of cell ${number}` });
  }

  /** The cell's own words on how its run stands. */
  mark(number: number): Locator {
    return this.cell(number).locator(".run-mark");
  }

  count(number: number): Locator {
    return this.cell(number).locator(".cell-count");
  }

  /** The sources of all cells that show an editor, from top to bottom. */
  async sources(): Promise<string[]> {
    return this.page
      .getByRole("textbox", { name: /^(?:Code|Markdown|Text) of cell/ })
      .allInnerTexts();
  }

  async run(number: number): Promise<void> {
    await this.editor(number).click();
    await this.page.keyboard.press("Control+Enter");
  }

  async runAll(): Promise<void> {
    await this.page.getByRole("button", { name: "Run all" }).click();
  }

  /** Selects a cell in command mode. */
  async select(number: number): Promise<void> {
    await this.cell(number)
      .locator(".cell-gutter")
      .click({ position: { x: 8, y: 4 } });
    await this.page.keyboard.press("Escape");
  }

  get sessionId(): Promise<string> {
    return this.page.evaluate(() => sessionStorage.getItem("hotcell.session")?.split(" ")[1] ?? "");
  }
}

export const test = base.extend<{ notebook: NotebookPage }, { gateway: GatewayProcess }>({
  gateway: [
    // Playwright finds a fixture's dependencies in this pattern; there are none.
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const gateway = await startGatewayProcess({ env: { HOTCELL_RUNTIME: "local" } });
      await use(gateway);
      await gateway.close();
    },
    { scope: "worker", timeout: 120_000 },
  ],
  notebook: async ({ page, gateway }, use) => {
    const proxy = await openGatewayProxy(gateway.url);
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    await use(new NotebookPage(page, gateway, proxy));
    await proxy.close();
    if (problems.length > 0) throw new Error(`The page threw: ${problems.join("; ")}`);
  },
});

export { expect } from "@playwright/test";
