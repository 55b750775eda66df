import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HotcellOptions } from "../../src/client/index.js";
import { type GatewayProcess, startGatewayProcess } from "../e2e/gateway-process.js";
import type { Answer, CallOptions, Door, OpenDoor } from "./door.js";

interface Traits {
  /** Whether the model can set a deadline. */
  deadlines: boolean;
  /** Whether the text says that a session has ended and was made anew. */
  lostSessions: boolean;
  /** Whether there is a text where code says nothing. */
  silence: boolean;
}

const ALL: Traits = { deadlines: true, lostSessions: true, silence: true };

interface FinishedExecution {
  status: string;
}

let threads = 0;
const newThread = (): string => `thread-${(threads += 1)}`;

/** What holds through every door between models and the gateway. */
export function doorContract(name: string, open: OpenDoor, given: Partial<Traits> = {}): void {
  const traits = { ...ALL, ...given };
  describe(name, () => {
    let gateway: GatewayProcess;
    let door: Door;
    const access = (): HotcellOptions => ({
      url: gateway.url,
      key: gateway.key,
      retry: { for_s: 0 },
    });
    const call = async (code: string, options: Partial<CallOptions> = {}): Promise<Answer> =>
      door.call(code, { thread: newThread(), ...options });

    beforeAll(async () => {
      gateway = await startGatewayProcess();
      door = open(access());
    });
    afterAll(async () => gateway.close());

    it("gives what code prints", async () => {
      const answer = await call("print('hello'); import sys; print('careful', file=sys.stderr)");
      expect(answer).toMatchObject({ failed: false, images: [] });
      expect(answer.text).toContain("hello\n");
      expect(answer.text).toContain("careful");
    });

    it("gives the value of the last expression", async () => {
      expect((await call("6 * 7")).text).toContain("42");
    });

    it.runIf(traits.silence)("says so where code says nothing", async () => {
      expect((await call("x = 1")).text.trim()).not.toBe("");
    });

    it("gives figures as images, and names them in the text", async () => {
      const answer = await call(
        "import matplotlib.pyplot as plt\nplt.plot([1, 2, 4])\nplt.show()\nprint('drawn')",
      );
      expect(answer.images).toEqual(["image/png"]);
      expect(answer.text).toContain("image 1");
      expect(answer.text).toContain("drawn");
    });

    it("gives tables as text, with their size", async () => {
      const answer = await call(
        "import pandas\npandas.DataFrame({'city': ['Rome'] * 100, 'year': range(100)})",
      );
      expect(answer.text).toContain("Rome");
      expect(answer.text).toContain("100 rows");
      expect(answer.text).not.toContain("<td>");
    });

    it("gives an error of the code as a result, with its traceback and what came before", async () => {
      const answer = await call("print('before')\n1 / 0");
      expect(answer.failed).toBe(false);
      expect(answer.text).toContain("before");
      expect(answer.text).toContain("ZeroDivisionError: division by zero");
      expect(answer.text).not.toContain("\u001b");
    });

    it.runIf(traits.deadlines)("stops code at its deadline and says so", async () => {
      const thread = newThread();
      const answer = await call("x = 1\nimport time; time.sleep(60)", { thread, timeout_s: 1 });
      expect(answer.failed).toBe(false);
      expect(answer.text).toMatch(/deadline/);
      expect((await call("x", { thread })).text).toContain("1");
    });

    it("cancels code whose caller leaves", async () => {
      const thread = newThread();
      let tellAccepted: () => void;
      const accepted = new Promise<void>((resolve) => (tellAccepted = resolve));
      const leaving = new AbortController();
      const watched = open({
        ...access(),
        fetch: async (input, init) => {
          const response = await fetch(input, init);
          if (init?.method === "POST") tellAccepted();
          return response;
        },
      });
      const options = { thread, signal: leaving.signal };
      const left = watched.call("import time; time.sleep(100)", options).catch(() => undefined);
      await accepted;
      leaving.abort();
      await left;
      expect((await call("'next'", { thread })).text).toContain("next");
      const path = `/v1/sessions/${await door.sessionId(thread)}/executions`;
      const { executions } = (await (await gateway.call("GET", path)).json()) as {
        executions: FinishedExecution[];
      };
      expect(executions.map(({ status }) => status)).toEqual(["ok", "cancelled"]);
    });

    it("keeps state from call to call, and each conversation's apart", async () => {
      const [one, other] = [newThread(), newThread()];
      await call("x = 20\nopen('note.txt', 'w').write('kept')", { thread: one });
      const kept = await call("x + 22, open('note.txt').read()", { thread: one });
      expect(kept.text).toContain("(42, 'kept')");
      expect((await call("x", { thread: other })).text).toContain("NameError");
      expect(await door.sessionId(one)).not.toBe(await door.sessionId(other));
    });

    it("keeps an answer readable, however much is printed", async () => {
      const thread = newThread();
      const answer = await call(
        "print('first'); print(('x' * 99 + '\\n') * 100_000); print('last')",
        { thread },
      );
      expect(answer.text.length).toBeLessThan(30_000);
      expect(answer.text).toContain("first");
      expect(answer.text).toContain("last");
      expect(answer.text).toMatch(/left out/);
      expect((await call("'still here'", { thread })).text).toContain("still here");
    });

    it("makes a new session where the old one has ended, and says that state is gone", async () => {
      const thread = newThread();
      await call("x = 1", { thread });
      const id = await door.sessionId(thread);
      expect((await gateway.call("DELETE", `/v1/sessions/${id}`)).status).toBe(204);
      const answer = await call("'x' in globals()", { thread });
      expect(answer.failed).toBe(false);
      expect(answer.text).toContain("False");
      if (traits.lostSessions) expect(answer.text).toMatch(/session had ended.* gone/);
      expect((await call("1", { thread })).text).not.toMatch(/session had ended/);
    });

    it("takes code out of Markdown fences", async () => {
      const answer = await call("Let me see:\n\n```python\nprint(6 * 7)\n```\n");
      expect(answer.text).toContain("42");
      expect(answer.text).not.toContain("SyntaxError");
    });

    it("says that the key is wrong", async () => {
      const locked = open({ ...access(), key: "not-the-key" });
      const answer = await locked.call("1", { thread: newThread() });
      expect(answer.failed).toBe(true);
      expect(answer.text).toMatch(/key/i);
    });

    it("says that the gateway is gone", async () => {
      const leaving = await startGatewayProcess();
      try {
        const path = open({ url: leaving.url, key: leaving.key, retry: { for_s: 0 } });
        const thread = newThread();
        expect((await path.call("6 * 7", { thread })).text).toContain("42");
        await leaving.stop();
        const answer = await path.call("1", { thread });
        expect(answer.failed).toBe(true);
        expect(answer.text).toContain(leaving.url);
      } finally {
        await leaving.close();
      }
    });
  });
}
