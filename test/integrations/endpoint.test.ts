import { describe, expect, it } from "vitest";
import { Gathering } from "../../src/kernels/gathering.js";
import { renderForModel } from "../../src/streaming/model-text.js";
import { readEvents } from "../http/event-stream.js";
import { startGatewayProcess } from "../e2e/gateway-process.js";
import { doorContract } from "./contract.js";
import type { OpenDoor } from "./door.js";

/** The door without a framework: one POST, read as server-sent events. */
const throughEndpoint: OpenDoor = ({ url = "", key = "", fetch: send = fetch }) => ({
  sessionId: async (thread) => thread,
  call: async (code, { thread, signal = null, ...options }) => {
    const post = async (): Promise<Response> =>
      send(`${url}/v1/execute`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${key}`,
          accept: "text/event-stream",
          "content-type": "application/json",
        },
        body: JSON.stringify({ session: thread, code, on_disconnect: "cancel", ...options }),
        signal,
      });
    const response = await post().catch(
      (error: unknown) => `${url} does not answer: ${String(error)}`,
    );
    if (typeof response === "string") return { text: response, images: [], failed: true };
    if (!response.ok) return { text: await response.text(), images: [], failed: true };
    const gathering = new Gathering();
    for await (const event of readEvents(response)) gathering.add(event);
    const { text, images } = renderForModel(gathering.result());
    return { text, images: images.map(({ media_type }) => media_type), failed: false };
  },
});

doorContract("the bare endpoint", throughEndpoint, {
  deadlines: true,
  lostSessions: false,
  silence: false,
});

describe("the bare endpoint", () => {
  it("says where a session is a new one, and answers JSON alike", async () => {
    const gateway = await startGatewayProcess();
    try {
      const path = throughEndpoint({ url: gateway.url, key: gateway.key });
      const execute = { session: "alike", code: "import pandas; pandas.DataFrame({'a': [1, 2]})" };
      const gathered = (await (await gateway.call("POST", "/v1/execute", execute)).json()) as {
        text: string;
      };
      expect(await path.call(execute.code, { thread: "alike" })).toMatchObject({
        text: gathered.text,
      });
      expect((await gateway.call("DELETE", "/v1/sessions/alike")).status).toBe(204);
      const headers = { accept: "text/event-stream" };
      const response = await gateway.call("POST", "/v1/execute", execute, headers);
      const first = await readEvents(response).next();
      expect(first.value).toMatchObject({
        type: "execution_started",
        state: "fresh",
        generation: 1,
      });
    } finally {
      await gateway.close();
    }
  });
});
