import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ExecutionEvent, Hotcell, type Session } from "../../src/client/index.js";
import { allEvents } from "../http/event-stream.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { SocketClient } from "./socket-client.js";

let gateway: GatewayProcess;
let session: Session;
beforeAll(async () => {
  gateway = await startGatewayProcess();
  session = await gateway.client.session();
});
afterAll(async () => gateway.close());

const COUNT = (to: number) => `for i in range(${to}):\n    print(i, flush=True)`;

const eventsOf = (id: string, query = "", headers: Record<string, string> = {}) =>
  gateway.call("GET", `/v1/sessions/${session.id}/executions/${id}/events${query}`, undefined, {
    accept: "text/event-stream",
    ...headers,
  });

async function collect(events: AsyncIterable<ExecutionEvent>): Promise<ExecutionEvent[]> {
  const all: ExecutionEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe("an execution that has ended", () => {
  let all: ExecutionEvent[];
  beforeAll(async () => {
    all = await collect(session.stream(COUNT(50), { execution_id: "over" }));
  });

  it("is told again from its beginning, by `after` 0 and without a number", async () => {
    for (const query of ["", "?after=0"]) {
      expect(await allEvents(await eventsOf("over", query))).toEqual(all);
    }
  });

  it("goes on behind every one of its numbers, in either way to say it", async () => {
    for (const index of [0, 1, 25, all.length - 2]) {
      const n = all[index]?.n ?? 0;
      const rest = all.slice(index + 1);
      expect(await allEvents(await eventsOf("over", `?after=${n}`))).toEqual(rest);
      const header = { "last-event-id": String(n) };
      expect(await allEvents(await eventsOf("over", "?after=0", header))).toEqual(rest);
    }
  });

  it("has nothing behind its last event, nor behind any larger number", async () => {
    const last = all.at(-1)?.n ?? 0;
    for (const query of [`?after=${last}`, `?after=${last + 1}`, "?after=999999999"]) {
      const response = await eventsOf("over", query);
      expect(response.status).toBe(204);
    }
    expect((await eventsOf("over", "", { "last-event-id": String(last) })).status).toBe(204);
  });

  it("takes a `Last-Event-ID` that is no number for none, and refuses an `after` that is none", async () => {
    for (const garbage of ["x", "-1", "1.5", "9".repeat(30)]) {
      const header = { "last-event-id": garbage };
      expect(await allEvents(await eventsOf("over", "", header))).toEqual(all);
    }
    for (const garbage of ["x", "-1", "1.5"]) {
      expect((await eventsOf("over", `?after=${garbage}`)).status).toBe(400);
    }
  });

  it("was never there under another id", async () => {
    expect((await eventsOf("never")).status).toBe(404);
  });
});

describe("an execution that runs", () => {
  it("is followed by another client from the beginning, and by a third from where it is", async () => {
    const code = "print('begun', flush=True)\ninput()\nprint('ended')";
    const execution = session.stream(code, { execution_id: "shared", stdin: "ask" });
    const first: ExecutionEvent[] = [];
    const others: Promise<ExecutionEvent[]>[] = [];
    for await (const event of execution) {
      first.push(event);
      if (event.type !== "input_request") continue;
      const other = await new Hotcell({ url: gateway.url, key: gateway.key }).attach(session.id);
      others.push(collect(other.execution("shared")));
      const responses = [await eventsOf("shared"), await eventsOf("shared", `?after=${event.n}`)];
      others.push(...responses.map(allEvents));
      await execution.input("");
    }
    const [whole, again, rest] = await Promise.all(others);
    expect(whole).toEqual(first);
    expect(again).toEqual(first);
    const asked = first.findIndex(({ type }) => type === "input_request");
    expect(rest).toEqual(first.slice(asked + 1));
  });

  it("does not wait for a number that the session has not come to", async () => {
    const execution = session.stream("import time; time.sleep(60)", { execution_id: "far" });
    await execution.accepted();
    const refused = await eventsOf("far", "?after=999999999");
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ errors: [{ path: "after" }] });
    const socket = await SocketClient.open(gateway, session.id);
    socket.send({ op: "resume", ref: "r", execution_id: "far", after: 999999999 });
    expect(await socket.until(({ ref }) => ref === "r")).toMatchObject({ type: "problem" });
    socket.close();
    await execution.cancel();
    expect((await collect(execution)).at(-1)).toMatchObject({ status: "cancelled" });
  });
});

describe("an execution of long ago", () => {
  it("is forgotten as a whole, and says so", async () => {
    const own = await gateway.client.session();
    await own.run("1", { execution_id: "old" });
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        for (let index = 0; index < 33; index += 1) await own.run("1");
      }),
    );
    const gone = await gateway.call("GET", `/v1/sessions/${own.id}/executions/old/events`);
    expect(gone.status).toBe(410);
    expect(await gone.json()).toMatchObject({ code: "execution_forgotten" });
    await expect(collect(own.execution("old"))).rejects.toMatchObject({
      code: "execution_forgotten",
    });
    await own.end();
  });
});

describe("a client that leaves", () => {
  const running = async (id: string): Promise<string> => {
    const { executions } = (await (
      await gateway.call("GET", `/v1/sessions/${session.id}/executions`)
    ).json()) as { executions: { id: string; state: string }[] };
    return executions.find((execution) => execution.id === id)?.state ?? "unknown";
  };
  const last = async (id: string) => (await collect(session.execution(id))).at(-1);
  const WAITS = "print('on', flush=True)\ninput()\nprint('to the end')";

  const ways = {
    "server-sent events": async (body: object, left: AbortController) => {
      const path = `${gateway.url}/v1/sessions/${session.id}/execute`;
      await fetch(path, {
        method: "POST",
        headers: {
          authorization: `Bearer ${gateway.key}`,
          "content-type": "application/json",
          accept: "text/event-stream",
        },
        body: JSON.stringify(body),
        signal: left.signal,
      });
      return () => left.abort();
    },
    "the gathered answer": async (body: object, left: AbortController) => {
      const path = `${gateway.url}/v1/sessions/${session.id}/execute`;
      await fetch(path, {
        method: "POST",
        headers: { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: left.signal,
      });
      return () => left.abort();
    },
    "the WebSocket": async (body: object) => {
      const socket = await SocketClient.open(gateway, session.id);
      socket.send({ op: "execute", ref: "r", ...body });
      await socket.until(({ type }) => type === "execution_started");
      return () => socket.close();
    },
  };

  it.each(Object.entries(ways))("%s leaves its execution running", async (name, open) => {
    const id = `on-${name.replaceAll(" ", "-")}`;
    const leave = await open(
      { code: WAITS, stdin: "ask", execution_id: id, on_disconnect: "continue" },
      new AbortController(),
    );
    for await (const event of session.execution(id)) {
      if (event.type !== "input_request") continue;
      leave();
      await session.execution(id).input("");
    }
    expect(await last(id)).toMatchObject({ status: "ok" });
  });

  it.each(Object.entries(ways))(
    "%s ends its execution where that was asked for",
    async (name, open) => {
      const id = `off-${name.replaceAll(" ", "-")}`;
      const leave = await open(
        { code: WAITS, stdin: "ask", execution_id: id, on_disconnect: "cancel" },
        new AbortController(),
      );
      for await (const event of session.execution(id)) {
        if (event.type === "input_request") leave();
      }
      expect(await last(id)).toMatchObject({ status: "cancelled", state: "kept" });
      expect((await session.run("1")).status).toBe("ok");
    },
  );

  it("takes its queued execution along, too", async () => {
    const first = session.stream(WAITS, { stdin: "ask" });
    for await (const event of first) {
      if (event.type !== "input_request") continue;
      const leave = await ways["server-sent events"](
        { code: "print('never')", execution_id: "queued-off", on_disconnect: "cancel" },
        new AbortController(),
      );
      expect(await running("queued-off")).toBe("queued");
      leave();
      expect(await last("queued-off")).toMatchObject({ status: "cancelled" });
      await first.input("");
    }
  });
});

describe("DELETE", () => {
  it("cancels what runs and what waits, each with one end", async () => {
    const first = session.stream("import time\nprint('on', flush=True)\ntime.sleep(60)");
    const second = session.stream("print('never')");
    for await (const event of first) {
      if (event.type !== "stream") continue;
      await second.accepted();
      await second.cancel();
      const waited = await collect(second);
      expect(waited.map(({ type }) => type)).toEqual(["queued", "execution_finished"]);
      expect(waited.at(-1)).toMatchObject({ status: "cancelled" });
      await first.cancel();
    }
    expect((await collect(first)).at(-1)).toMatchObject({ status: "cancelled", state: "kept" });
    await expect(first.cancel()).resolves.toMatchObject({ status: "cancelled" });
  });
});
