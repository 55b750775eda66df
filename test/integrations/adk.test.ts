import { InMemoryRunner, InMemorySessionService, type Event, LlmAgent, Runner } from "@google/adk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Hotcell } from "../../src/client/index.js";
import {
  codeExecutionProcessor,
  InterpreterCodeExecutor,
  interpreterTool,
  type InterpreterToolAnswer,
} from "../../src/integrations/adk.js";
import { sessionIdOf } from "../../src/integrations/session-id.js";
import { type GatewayProcess, startGatewayProcess } from "../e2e/gateway-process.js";
import { doorContract } from "./contract.js";
import type { OpenDoor } from "./door.js";
import { type Part, ScriptedLlm } from "./scripted-llm.js";

const app = { appName: "tests", userId: "somebody" };
const sessionId = (thread: string): Promise<string> =>
  sessionIdOf("adk", [app.appName, app.userId, thread]);

/** Sends a message to an agent and returns what happened. */
async function converse(
  runner: Runner,
  { thread, abortSignal }: { thread: string; abortSignal?: AbortSignal | undefined },
): Promise<Event[]> {
  await runner.sessionService.createSession({ ...app, sessionId: thread });
  const events: Event[] = [];
  for await (const event of runner.runAsync({
    userId: app.userId,
    sessionId: thread,
    newMessage: { role: "user", parts: [{ text: "Go on" }] },
    ...(abortSignal === undefined ? {} : { abortSignal }),
  })) {
    events.push(event);
  }
  return events;
}

/** Media types of the figures that were saved. */
async function figures(runner: Runner, thread: string): Promise<string[]> {
  const session = { ...app, sessionId: thread };
  const { artifactService } = runner;
  if (artifactService === undefined) return [];
  const saved = await Promise.all(
    (await artifactService.listArtifactKeys(session)).map(async (filename) =>
      artifactService.loadArtifact({ ...session, filename }),
    ),
  );
  return saved
    .map((part) => part?.inlineData?.mimeType ?? "")
    .filter((type) => type.startsWith("image/"));
}

const done: Part[] = [{ text: "done" }];
const toolCall = (code: string, args: object = {}): Part[] => [
  { functionCall: { name: "run_code", args: { code, ...args } } },
];
const reply = (code: string): Part[] => [
  { text: `I shall run this:\n\`\`\`python\n${code}\n\`\`\`\n` },
];

function answered({ functionResponse }: Part): InterpreterToolAnswer & { error?: string } {
  return functionResponse?.response as unknown as InterpreterToolAnswer & { error?: string };
}

const throughTool: OpenDoor = (gateway) => {
  const tool = interpreterTool(gateway);
  return {
    sessionId,
    call: async (code, { thread, signal: abortSignal, ...args }) => {
      const model = new ScriptedLlm(toolCall(code, args), done);
      const agent = new LlmAgent({ name: "analyst", model, tools: [tool] });
      const runner = new InMemoryRunner({ agent, appName: app.appName });
      await converse(runner, { thread, abortSignal });
      const { output, error } = answered(model.given);
      return {
        text: error ?? output,
        images: await figures(runner, thread),
        failed: error !== undefined,
      };
    },
  };
};

function executing(model: ScriptedLlm, codeExecutor: InterpreterCodeExecutor): LlmAgent {
  const responseProcessors = [codeExecutionProcessor];
  return new LlmAgent({ name: "analyst", model, codeExecutor, responseProcessors });
}

const throughExecutor: OpenDoor = (gateway) => {
  const executor = new InterpreterCodeExecutor(gateway);
  return {
    sessionId,
    call: async (code, { thread, signal: abortSignal }) => {
      const said = code.includes("```") ? [{ text: code }] : reply(code);
      const model = new ScriptedLlm(said, done);
      const agent = executing(model, executor);
      const runner = new InMemoryRunner({ agent, appName: app.appName });
      const events = await converse(runner, { thread, abortSignal });
      const error = events.find(({ errorMessage }) => errorMessage !== undefined)?.errorMessage;
      return {
        text: error ?? model.given.text ?? "",
        images: await figures(runner, thread),
        failed: error !== undefined,
      };
    },
  };
};

doorContract("ADK's FunctionTool", throughTool);
doorContract("ADK's code executor", throughExecutor, { deadlines: false });

describe("the tool for ADK", () => {
  let gateway: GatewayProcess;
  let client: Hotcell;
  beforeAll(async () => {
    gateway = await startGatewayProcess();
    client = new Hotcell({ url: gateway.url, key: gateway.key });
  });
  afterAll(async () => gateway.close());

  const tooled = (model: ScriptedLlm) =>
    new LlmAgent({ name: "analyst", model, tools: [interpreterTool(client)] });

  it("saves figures and files as artifacts, and tells the model their names", async () => {
    const code =
      "open('report.csv', 'w').write('a,b')\nimport matplotlib.pyplot as plt\nplt.plot([1]); plt.show()";
    const model = new ScriptedLlm(toolCall(code), done);
    const runner = new InMemoryRunner({ agent: tooled(model), appName: app.appName });
    const events = await converse(runner, { thread: "artifacts" });
    expect(answered(model.given)).toMatchObject({
      status: "ok",
      artifacts: [
        { name: "figure-1-1.png", shows: "image 1" },
        { name: "report.csv", shows: "report.csv" },
      ],
    });
    const delta = Object.assign(
      {},
      ...events.map(({ actions }) => actions.artifactDelta),
    ) as object;
    expect(delta).toEqual({ "figure-1-1.png": 0, "report.csv": 0 });
    const saved = await runner.artifactService?.loadArtifact({
      ...app,
      sessionId: "artifacts",
      filename: "report.csv",
    });
    const data = Buffer.from("a,b").toString("base64");
    expect(saved).toEqual({ inlineData: { mimeType: "text/csv", data } });
  });

  it("says what was not saved where there is no artifact service", async () => {
    const model = new ScriptedLlm(toolCall("open('report.csv', 'w').write('a,b')"), done);
    const runner = new Runner({
      agent: tooled(model),
      appName: app.appName,
      sessionService: new InMemorySessionService(),
    });
    await converse(runner, { thread: "no-artifacts" });
    expect(answered(model.given)).toEqual({
      status: "ok",
      output: expect.stringContaining("[file report.csv, 3 bytes: ") as string,
      note: "Not saved as artifacts, because there is no artifact service: report.csv",
    });
  });

  it("tells failure of the code by its status", async () => {
    const model = new ScriptedLlm(toolCall("1 / 0"), done);
    await converse(new InMemoryRunner({ agent: tooled(model), appName: app.appName }), {
      thread: "failure",
    });
    expect(answered(model.given)).toMatchObject({ status: "error" });
  });

  it("describes itself to Gemini", () => {
    expect(interpreterTool(client)._getDeclaration()).toMatchObject({
      name: "run_code",
      parameters: {
        type: "OBJECT",
        properties: { code: { type: "STRING" }, timeout_s: { type: "NUMBER" } },
        required: ["code"],
      },
    });
  });
});

describe("the code executor for ADK", () => {
  let gateway: GatewayProcess;
  let executor: InterpreterCodeExecutor;
  beforeAll(async () => {
    gateway = await startGatewayProcess();
    executor = new InterpreterCodeExecutor({ url: gateway.url, key: gateway.key });
  });
  afterAll(async () => gateway.close());

  const runner = (model: ScriptedLlm) =>
    new InMemoryRunner({ agent: executing(model, executor), appName: app.appName });

  it("puts the code and its result into the conversation, and lets the model go on", async () => {
    const model = new ScriptedLlm(reply("6 * 7"), [{ text: "It is 42." }]);
    const events = await converse(runner(model), { thread: "conversation" });
    expect(events.map(({ content }) => content)).toEqual([
      {
        role: "model",
        parts: [
          { text: "I shall run this:\n" },
          { executableCode: { code: "6 * 7", language: "PYTHON" } },
        ],
      },
      { role: "model", parts: [{ codeExecutionResult: { outcome: "OUTCOME_OK", output: "42" } }] },
      { role: "model", parts: [{ text: "It is 42." }] },
    ]);
    expect(model.given.text).toBe("```tool_output\n42\n```");
  });

  it("takes warnings for output, and only failure for an error", async () => {
    const model = new ScriptedLlm(reply("import sys; print('careful', file=sys.stderr)"), done);
    const events = await converse(runner(model), { thread: "warning" });
    expect(events[1]?.content?.parts?.[0]?.codeExecutionResult).toEqual({
      outcome: "OUTCOME_OK",
      output: "careful\n",
    });
  });

  it("stops running code after as many failures in a row as it may have", async () => {
    const model = new ScriptedLlm(reply("1 / 0"), reply("2 / 0"), reply("3 / 0"), done);
    const events = await converse(runner(model), { thread: "failures" });
    const outcomes = events.flatMap(
      ({ content }) => content?.parts?.[0]?.codeExecutionResult?.outcome ?? [],
    );
    expect(outcomes).toEqual(["OUTCOME_FAILED", "OUTCOME_FAILED"]);
    expect(events.at(-1)?.content?.parts?.[0]?.text).toContain("3 / 0");
  });

  it("saves output files as artifacts, and says so", async () => {
    const model = new ScriptedLlm(reply("open('report.csv', 'w').write('a,b')"), done);
    const conversation = runner(model);
    const events = await converse(conversation, { thread: "output-files" });
    expect(model.given.text).toContain("[Saved as artifacts: report.csv]");
    expect(events[1]?.actions.artifactDelta).toEqual({ "report.csv": 0 });
  });

  it("works where there is no artifact service, and says what was not saved", async () => {
    const model = new ScriptedLlm(reply("open('report.csv', 'w').write('a,b')"), done);
    const agent = executing(model, executor);
    const sessionService = new InMemorySessionService();
    await converse(new Runner({ agent, appName: app.appName, sessionService }), {
      thread: "no-output-files",
    });
    expect(model.given.text).toContain(
      "Not saved, because there is no artifact service: report.csv",
    );
  });

  it("gives data files of the conversation to the code, once", async () => {
    const model = new ScriptedLlm(reply("print(open('data_1_2.csv').read())"), done);
    const agent = executing(model, executor);
    const reading = new InterpreterCodeExecutor({ url: gateway.url, key: gateway.key });
    reading.optimizeDataFile = true;
    agent.codeExecutor = reading;
    const conversation = new InMemoryRunner({ agent, appName: app.appName });
    await conversation.sessionService.createSession({ ...app, sessionId: "data" });
    const csv = {
      mimeType: "text/csv",
      data: Buffer.from("city,year\nRome,1\n").toString("base64"),
    };
    const outputs: string[] = [];
    for await (const { content } of conversation.runAsync({
      userId: app.userId,
      sessionId: "data",
      newMessage: { role: "user", parts: [{ text: "Read this" }, { inlineData: csv }] },
    })) {
      for (const part of content?.parts ?? []) {
        outputs.push(part.codeExecutionResult?.output ?? part.text ?? "");
      }
    }
    expect(outputs.join("\n")).toContain("city,year\nRome,1");
    expect(model.given).toBeDefined();
  });
});
