import { describe, expect, it } from "vitest";
import { sessionIdOf } from "../../../src/integrations/session-id.js";
import { clientIdSchema } from "../../../src/sessions/session-options.js";

describe("the id of a conversation's session", () => {
  it("is readable where the conversation's name is", async () => {
    expect(await sessionIdOf("langgraph", ["thread-1", "second"])).toBe(
      "langgraph.thread-1.second",
    );
  });

  it.each([[[""]], [["a b"]], [["../x"]], [["a.b"]], [["~"]], [["日本"]], [["x".repeat(500)]]])(
    "is one that the gateway takes: %j",
    async (names) => {
      expect(clientIdSchema.safeParse(await sessionIdOf("adk", names)).success).toBe(true);
    },
  );

  it("is the same for the same names, and another for others", async () => {
    const names = [["a.b"], ["a", "b"], ["a", "b", ""], ["a b"], ["a", " b"], ["ab"]];
    const ids = await Promise.all(names.map((list) => sessionIdOf("langgraph", list)));
    expect(new Set(ids).size).toBe(names.length);
    expect(await sessionIdOf("langgraph", ["a b"])).toBe(ids[3]);
  });
});
