// A Google ADK agent that analyses data with code. Needs a gateway (npx hotcell serve), which prints its key:
//   HOTCELL_API_KEY=… node examples/adk.mjs
import { BaseLlm, InMemoryRunner, LlmAgent } from "@google/adk";
import { interpreterTool } from "hotcell/adk";

/** A script in place of a model, so that this runs without a model's key. */
class ScriptedModel extends BaseLlm {
  /** @param {object[]} script */
  constructor(...script) {
    super({ model: "scripted" });
    this.script = script;
  }

  async *generateContentAsync() {
    yield { content: { role: "model", parts: [this.script.shift() ?? {}] } };
  }

  /** @returns {Promise<never>} */
  async connect() {
    throw new Error("A script is not live");
  }
}

const model = new ScriptedModel(
  { functionCall: { name: "run_code", args: { code: "squares = [n * n for n in range(10)]" } } },
  {
    functionCall: {
      name: "run_code",
      args: { code: "import matplotlib.pyplot as plt\nplt.plot(squares)\nsum(squares) / 10" },
    },
  },
  { text: "The mean is 28.5, and the figure shows how the squares grow." },
);

const agent = new LlmAgent({
  name: "analyst",
  model, // For a real one: "gemini-2.5-flash"
  tools: [interpreterTool()],
});

for await (const event of new InMemoryRunner({ agent }).runEphemeral({
  userId: "somebody",
  newMessage: {
    role: "user",
    parts: [{ text: "Plot the first ten squares. What is their mean?" }],
  },
})) {
  for (const { functionResponse, text } of event.content?.parts ?? []) {
    if (functionResponse) console.log("tool:", functionResponse.response?.["output"]);
    if (text) console.log("model:", text);
  }
  for (const name of Object.keys(event.actions.artifactDelta)) console.log("saved:", name);
}
