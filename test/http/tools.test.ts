import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { executeRequestSchema } from "../../src/sessions/execution-request.js";
import { startTestGateway, type TestGateway } from "./test-gateway.js";

interface Schema {
  type: string;
  properties: Record<string, { type: string | string[]; description: string }>;
  required: string[];
  additionalProperties?: false;
}

interface Definition {
  name: string;
  description: string;
}

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startTestGateway();
});
afterEach(async () => gateway.close());

/** The only tool in a definition file, which needs no key. */
async function tool<Tool>(path: string): Promise<Tool> {
  const response = await fetch(`${gateway.url}/v1/tools/${path}`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toContain("application/json");
  const tools = (await response.json()) as Tool[];
  expect(tools).toHaveLength(1);
  return tools[0] as Tool;
}

describe("tool definitions", () => {
  it("are strict functions for OpenAI's Responses API: all required, what is optional may be null", async () => {
    const definition = await tool<
      Definition & { type: string; strict: boolean; parameters: Schema }
    >("openai.json");
    expect(Object.keys(definition).sort()).toEqual([
      "description",
      "name",
      "parameters",
      "strict",
      "type",
    ]);
    expect(definition).toMatchObject({ type: "function", name: "run_code", strict: true });
    const { properties, required, additionalProperties } = definition.parameters;
    expect(additionalProperties).toBe(false);
    expect(required).toEqual(Object.keys(properties));
    expect(properties).toMatchObject({
      code: { type: "string" },
      session: { type: ["string", "null"] },
      timeout_s: { type: ["number", "null"] },
    });
  });

  it("are wrapped for Chat Completions", async () => {
    const { type: _, ...flat } = await tool<Definition & { type: string }>("openai.json");
    expect(await tool("openai.json?format=chat")).toEqual({ type: "function", function: flat });
    const other = await fetch(`${gateway.url}/v1/tools/openai.json?format=x`);
    expect(other.status).toBe(400);
  });

  it("have an input schema for Anthropic", async () => {
    const definition = await tool<Definition & { input_schema: Schema }>("anthropic.json");
    expect(Object.keys(definition).sort()).toEqual(["description", "input_schema", "name"]);
    expect(definition.input_schema).toMatchObject({
      type: "object",
      required: ["code"],
      additionalProperties: false,
    });
  });

  it("have parameters in OpenAPI's subset for Gemini", async () => {
    const definition = await tool<{
      functionDeclarations: (Definition & { parameters: Schema })[];
    }>("gemini.json");
    const [declaration] = definition.functionDeclarations;
    expect(declaration?.name).toBe("run_code");
    expect(declaration?.parameters).toEqual({
      type: "OBJECT",
      properties: {
        code: { type: "STRING", description: expect.any(String) as string },
        session: { type: "STRING", description: expect.any(String) as string },
        timeout_s: { type: "NUMBER", description: expect.any(String) as string },
      },
      required: ["code"],
    });
  });

  it("have arguments that are the body of POST /v1/execute", async () => {
    const { input_schema } = await tool<{ input_schema: Schema }>("anthropic.json");
    const known = Object.keys(executeRequestSchema.shape);
    expect(known).toEqual(expect.arrayContaining(Object.keys(input_schema.properties)));
  });
});
