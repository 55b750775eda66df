import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GatewayProcess, startGatewayProcess } from "../e2e/gateway-process.js";

describe("the example", () => {
  let gateway: GatewayProcess;
  beforeAll(async () => (gateway = await startGatewayProcess()));
  afterAll(async () => gateway.close());

  const run = async (example: string): Promise<string> => {
    const path = new URL(`../../examples/${example}`, import.meta.url).pathname;
    const env = { ...process.env, HOTCELL_URL: gateway.url, HOTCELL_API_KEY: gateway.key };
    const { stdout } = await promisify(execFile)(process.execPath, [path], { env });
    return stdout;
  };

  it("for LangGraph streams what the code prints, and ends with the answer", async () => {
    const lines = await run("langgraph.mjs");
    expect(lines).toContain("while it runs: computed");
    expect(lines).toMatch(/tool: 28\.5\n\[image 1: image\/png/);
    expect(lines).toMatch(/model: The mean is 28\.5.*\n$/);
  });

  it("for ADK keeps state, saves the figure and ends with the answer", async () => {
    const lines = await run("adk.mjs");
    expect(lines).toMatch(/tool: .*28\.5/s);
    expect(lines).toContain("saved: figure-2-1.png");
    expect(lines).toMatch(/model: The mean is 28\.5.*\n$/);
  });
});
