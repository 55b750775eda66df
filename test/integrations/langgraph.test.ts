import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { MemorySaver, MessagesAnnotation, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { createAgent } from "langchain";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Hotcell } from "../../src/client/index.js";
import {
  type InterpreterProgress,
  type InterpreterResult,
  type InterpreterTool,
  interpreterTool,
} from "../../src/integrations/langgraph.js";
import { sessionIdOf } from "../../src/integrations/session-id.js";
import { type GatewayProcess, startGatewayProcess } from "../e2e/gateway-process.js";
import { doorContract } from "./contract.js";
import type { Answer, OpenDoor } from "./door.js";

type Model = ReturnType<typeof fakeModel>;
type Graph = (
  model: Model,
  tool: InterpreterTool,
) => { invoke: (state: { messages: HumanMessage[] }, config: object) => Promise<unknown> };

function script(code: string, args: object = {}): Model {
  return fakeModel()
    .respondWithTools([{ name: "run_code", args: { code, ...args }, id: "call-1" }])
    .respond(new AIMessage("done"));
}

/** What the model read when it was called again. */
function toolMessage(model: Model): ToolMessage {
  const message = model.calls[1]?.messages.at(-1);
  if (!ToolMessage.isInstance(message)) throw new Error("the model was not called with an answer");
  return message;
}

function answerOf({ content, status }: ToolMessage): Answer {
  const blocks = typeof content === "string" ? [{ type: "text", text: content }] : content;
  return {
    text: blocks.map((block) => (block.type === "text" ? String(block["text"]) : "")).join(""),
    images: blocks.filter(({ type }) => type === "image").map((block) => String(block["mimeType"])),
    failed: status === "error",
  };
}

const through =
  (graph: Graph): OpenDoor =>
  (gateway) => {
    const tool = interpreterTool(gateway);
    return {
      sessionId: (thread) => sessionIdOf("langgraph", [thread]),
      call: async (code, { thread, signal, ...args }) => {
        const model = script(code, args);
        await graph(model, tool).invoke(
          { messages: [new HumanMessage("Go on")] },
          { configurable: { thread_id: thread }, ...(signal === undefined ? {} : { signal }) },
        );
        return answerOf(toolMessage(model));
      },
    };
  };

const agent: Graph = (model, tool) =>
  createAgent({ model, tools: [tool], checkpointer: new MemorySaver() });

const bareGraph: Graph = (model, tool) =>
  new StateGraph(MessagesAnnotation)
    .addNode("model", async ({ messages }) => ({
      messages: [await model.bindTools([tool]).invoke(messages)],
    }))
    .addNode("tools", new ToolNode([tool]))
    .addEdge("__start__", "model")
    .addConditionalEdges("model", ({ messages }) =>
      (messages.at(-1) as AIMessage).tool_calls?.length ? "tools" : "__end__",
    )
    .addEdge("tools", "model")
    .compile({ checkpointer: new MemorySaver() });

doorContract("LangChain's createAgent", through(agent));
doorContract("LangGraph's ToolNode", through(bareGraph));

const inThread = (thread: string) => ({ configurable: { thread_id: thread } });

/** Calls the tool as a graph's node does. */
async function called(
  tool: InterpreterTool,
  args: { code: string; session?: string },
  config: { configurable?: Record<string, string> } = {},
): Promise<Answer & { artifact: InterpreterResult }> {
  const call = { name: "run_code", args, id: "call-1", type: "tool_call" as const };
  const message: unknown = await tool.invoke(call, config);
  if (!ToolMessage.isInstance(message)) throw new Error("the tool gave no message");
  return { ...answerOf(message), artifact: message.artifact as InterpreterResult };
}

describe("the tool for LangGraph", () => {
  let gateway: GatewayProcess;
  let client: Hotcell;
  let tool: InterpreterTool;
  beforeAll(async () => {
    gateway = await startGatewayProcess();
    client = new Hotcell({ url: gateway.url, key: gateway.key });
    tool = interpreterTool(client);
  });
  afterAll(async () => gateway.close());

  it("shows what happens while it happens, in the stream modes tools and custom", async () => {
    const model = script("print('one')\ndisplay('two')");
    const tools: unknown[] = [];
    const custom: InterpreterProgress[] = [];
    const stream = await createAgent({ model, tools: [tool] }).stream(
      { messages: [new HumanMessage("Go on")] },
      { streamMode: ["tools", "custom"], ...inThread("streamed") },
    );
    for await (const [mode, chunk] of stream) {
      if (mode === "tools") tools.push(chunk);
      else custom.push(chunk as InterpreterProgress);
    }
    const types = ["execution_started", "stream", "display_data", "execution_finished"];
    expect(custom.map(({ event }) => event.type)).toEqual(types);
    expect(custom[1]).toMatchObject({
      type: "hotcell",
      tool_call_id: "call-1",
      event: { name: "stdout", text: "one\n" },
    });
    expect(tools).toMatchObject([
      { event: "on_tool_start", name: "run_code", toolCallId: "call-1" },
      ...types.map((type) => ({ event: "on_tool_event", toolCallId: "call-1", data: { type } })),
      { event: "on_tool_end", toolCallId: "call-1" },
    ]);
  });

  it("has the whole result as its artifact, with the files that were made", async () => {
    const code = "open('report.csv', 'w').write('a,b')\nopen('.hidden', 'w').close()\n1 + 1";
    const { text, artifact } = await called(tool, { code }, inThread("artifact"));
    const href = "/v1/sessions/langgraph.artifact/files/report.csv";
    expect(artifact).toMatchObject({
      session_id: "langgraph.artifact",
      status: "ok",
      execution_count: 1,
      outputs: [{ output_type: "execute_result", data: { "text/plain": "2" } }],
      files: [{ path: "report.csv", bytes: 3, href }],
    });
    expect(text).toBe(`2\n[file report.csv, 3 bytes: ${href}]`);
    expect(await (await gateway.call("GET", href)).text()).toBe("a,b");
  });

  it("tells of files that a run has made, and of none where it is told so", async () => {
    const config = inThread("files");
    const old = "import os, time; open('old.txt', 'w').write('1'); os.utime('old.txt', (1, 1))";
    expect((await called(tool, { code: old }, config)).artifact.files).toEqual([]);
    const made = "os.makedirs('out'); open('out/new.txt', 'w').write('2')";
    const { artifact } = await called(tool, { code: made }, config);
    expect(artifact.files.map(({ path }) => path)).toEqual(["out/new.txt"]);
    const silent = interpreterTool(client, { files: false });
    const more = "open('more.txt', 'w').write('2')";
    expect((await called(silent, { code: more }, config)).text).toBe("1");
  });

  it("gives as many images as it is told, and says which were left out", async () => {
    const code =
      "import matplotlib.pyplot as plt\nfor n in range(2):\n    plt.plot([n]); plt.show()";
    const sparing = interpreterTool(client, { images: { count: 1 } });
    const { images, text } = await called(sparing, { code }, inThread("images"));
    expect(images).toEqual(["image/png"]);
    expect(text).toMatch(/not shown/);
  });

  it("gives the model's sessions names of their own within a conversation", async () => {
    const config = inThread("named");
    await called(tool, { code: "x = 1" }, config);
    const other = await called(tool, { code: "'x' in globals()", session: "second" }, config);
    expect(other.text).toBe("False");
    expect(other.artifact.session_id).toBe("langgraph.named.second");
  });

  it("takes a session's id from who makes it, and its options when it makes the session", async () => {
    const own = interpreterTool(client, {
      sessionId: ({ configurable }) => `user-${String(configurable?.["user"])}`,
      session: { env: { GREETING: "hello" }, metadata: { made: "by the tool" } },
    });
    const code = "import os; print(os.environ['GREETING'])";
    expect((await called(own, { code }, { configurable: { user: "7" } })).text).toBe("hello\n");
    expect((await client.attach("user-7")).view.metadata).toEqual({ made: "by the tool" });
  });

  it("has a session of its own where there is no thread, which ends with it", async () => {
    const useOnce = async (): Promise<string> => {
      await using own = interpreterTool(client);
      const { artifact } = await called(own, { code: "x = 5" });
      expect((await called(own, { code: "x" })).text).toBe("5");
      return artifact.session_id;
    };
    await expect(client.attach(await useOnce())).rejects.toMatchObject({ code: "session_ended" });
  });

  it("says that state was lost where another process has seen the session end", async () => {
    const config = inThread("elsewhere");
    await called(tool, { code: "x = 1" }, config);
    await (await client.attach("langgraph.elsewhere")).end();
    const { text } = await called(interpreterTool(client), { code: "1" }, config);
    expect(text).toMatch(/session had ended/);
  });

  it("says nothing of lost state where a session was prepared for the model", async () => {
    const session = await client.session({ id: "langgraph.prepared" });
    await session.files.put("data.csv", "1,2");
    const { text } = await called(tool, { code: "open('data.csv').read()" }, inThread("prepared"));
    expect(text).toMatch(/^'1,2'/);
  });

  it("says what a kernel's death has cost, and goes on", async () => {
    const config = inThread("deadly");
    const died = await called(tool, { code: "x = 1; import os; os._exit(1)" }, config);
    expect(died.text).toMatch(/kernel died.*gone/s);
    expect((await called(tool, { code: "'x' in globals()" }, config)).text).toMatch(/gone.*False/s);
  });

  it("lets the model ask for a deadline, but for none that is longer than it may be", async () => {
    const short = interpreterTool(client, { max_timeout_s: 1 });
    const code = "import time; time.sleep(60)";
    const call = { name: "run_code", args: { code, timeout_s: 3600 }, id: "1", type: "tool_call" };
    const message: unknown = await short.invoke(call as never, inThread("deadline"));
    expect((message as { artifact: InterpreterResult }).artifact.status).toBe("timed_out");
  });
});
