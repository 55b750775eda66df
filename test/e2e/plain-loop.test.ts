import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";

const EXAMPLE = new URL("../../examples/plain-loop.mjs", import.meta.url).pathname;

interface ChatMessage {
  role: string;
  content?: string | null;
  tool_call_id?: string;
  tool_calls?: { id: string; type: "function"; function: { name: string; arguments: string } }[];
}

interface ChatRequest {
  model: string;
  messages: ChatMessage[];
  tools: { type: string; function: { name: string; strict: boolean } }[];
}

/** A chat completions endpoint that answers with these messages, one after the other. */
async function scriptedModel(
  script: ((request: ChatRequest) => ChatMessage)[],
): Promise<{ server: Server; url: string; requests: ChatRequest[] }> {
  const requests: ChatRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const asked = JSON.parse(Buffer.concat(chunks).toString()) as ChatRequest;
      requests.push(asked);
      const message = script[requests.length - 1]?.(asked);
      response
        .writeHead(message === undefined ? 500 : 200, { "content-type": "application/json" })
        .end(JSON.stringify({ choices: [{ index: 0, message, finish_reason: "stop" }] }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return { server, url, requests };
}

/** The model calls the tool, with every argument, as strict functions are called. */
function calling(id: string, code: string, session: string | null = null): ChatMessage {
  const called = {
    name: "run_code",
    arguments: JSON.stringify({ code, session, timeout_s: null }),
  };
  return {
    role: "assistant",
    content: null,
    tool_calls: [{ id, type: "function", function: called }],
  };
}

const last = (request: ChatRequest) => request.messages.at(-1)?.content ?? "";

describe("the example of a plain loop", () => {
  let gateway: GatewayProcess;
  let model: Awaited<ReturnType<typeof scriptedModel>>;
  beforeAll(async () => (gateway = await startGatewayProcess()));
  afterAll(async () => gateway.close());
  afterEach(() => model.server.close());

  async function run(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [EXAMPLE, ...args], {
      env: {
        PATH: process.env["PATH"],
        HOTCELL_URL: gateway.url,
        HOTCELL_API_KEY: gateway.key,
        OPENAI_BASE_URL: model.url,
        OPENAI_API_KEY: "none",
      },
    });
    return stdout;
  }

  it("lets a model compute, mend its error, and build on what it has defined", async () => {
    model = await scriptedModel([
      () => calling("a", "def square(x):\n    return x * y"),
      () => calling("b", "square(7)"),
      () => calling("c", "y = 6\nsquare(7)"),
      (request) => ({ role: "assistant", content: `It is ${last(request)}.` }),
    ]);
    expect(await run("What is six times seven?")).toBe("It is 42.\n");
    const [first] = model.requests;
    expect(first?.messages).toEqual([{ role: "user", content: "What is six times seven?" }]);
    expect(first?.tools).toMatchObject([
      { type: "function", function: { name: "run_code", strict: true } },
    ]);
    const told = model.requests.at(-1)?.messages.filter(({ role }) => role === "tool");
    expect(told).toEqual([
      { role: "tool", tool_call_id: "a", content: "(no output)" },
      {
        role: "tool",
        tool_call_id: "b",
        content: expect.stringMatching(/NameError: name 'y' is not defined$/) as string,
      },
      { role: "tool", tool_call_id: "c", content: "42" },
    ]);
  });

  it("gives a session that the model names variables of its own", async () => {
    model = await scriptedModel([
      () => calling("a", "x = 1"),
      () => calling("b", "'x' in globals()", "other"),
      (request) => ({ role: "assistant", content: last(request) }),
    ]);
    expect(await run()).toBe("False\n");
  });
});
