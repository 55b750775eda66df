// A LangChain agent that analyses data with code. Needs a gateway (npx hotcell serve), which prints its key:
//   HOTCELL_API_KEY=… node examples/langgraph.mjs
import { AIMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { MemorySaver } from "@langchain/langgraph";
import { interpreterTool } from "hotcell/langgraph";
import { createAgent } from "langchain";

/** A script in place of a model, so that this runs without a model's key. */
const model = fakeModel()
  .respondWithTools([
    { name: "run_code", args: { code: "squares = [n * n for n in range(10)]\nprint('computed')" } },
  ])
  .respondWithTools([
    {
      name: "run_code",
      args: { code: "import matplotlib.pyplot as plt\nplt.plot(squares)\nsum(squares) / 10" },
    },
  ])
  .respond(new AIMessage("The mean is 28.5, and the figure shows how the squares grow."));

const agent = createAgent({
  model, // For a real one: "anthropic:claude-sonnet-4-5"
  tools: [interpreterTool()],
  checkpointer: new MemorySaver(),
});

const stream = await agent.stream(
  { messages: [{ role: "user", content: "Plot the first ten squares. What is their mean?" }] },
  { streamMode: ["custom", "values"], configurable: { thread_id: crypto.randomUUID() } },
);
/** @type {import("@langchain/core/messages").BaseMessage | undefined} */
let last;
for await (const [mode, chunk] of stream) {
  if (mode === "custom") {
    const { event } = /** @type {import("hotcell/langgraph").InterpreterProgress} */ (chunk);
    if (event.type === "stream") console.log("while it runs:", event.text.trimEnd());
  } else {
    last = chunk.messages.at(-1);
    if (last?.type === "tool") console.log("tool:", last.text);
  }
}
console.log("model:", last?.text);
