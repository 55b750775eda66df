import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import type { Execution, ExecutionOptions } from "../../src/client/index.js";
import {
  type Answer,
  breakOff,
  finish,
  frame,
  gathered,
  hang,
  refuse,
  type ScriptedGateway,
  sendJson,
  startScriptedGateway,
  streams,
  streamsAndBreaks,
  streamsAndHangs,
} from "./scripted-gateway.js";

let gateway: ScriptedGateway;
afterEach(async () => gateway.close());

async function execution(answers: Answer[], options: ExecutionOptions = {}): Promise<Execution> {
  gateway = await startScriptedGateway(...answers);
  return (await gateway.session()).stream("code", { execution_id: "e", ...options });
}

async function numbersOf(events: Execution): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { n } of events) numbers.push(n);
  return numbers;
}

const asked = (): string[] => gateway.requests.map(({ method, path }) => `${method} ${path}`);
const POST = "POST /v1/sessions/s/execute";
const after = (n: number): string => `GET /v1/sessions/s/executions/e/events?after=${n}`;
const soon = { retry: { for_s: 0.5 } };

describe("the events of an execution", () => {
  it("come in order, to the last", async () => {
    const events = await execution([streams(frame(3), frame(5), finish(6), frame(7))]);
    expect(await numbersOf(events)).toEqual([3, 5, 6]);
    expect(gateway.requests).toMatchObject([
      {
        headers: { accept: "text/event-stream", authorization: "Bearer k" },
        body: { code: "code", execution_id: "e" },
      },
    ]);
  });

  it("are asked for when somebody reads them, and no sooner", async () => {
    const events = await execution([streams(finish(1))]);
    expect(gateway.requests).toEqual([]);
    await events.accepted();
    expect(asked()).toEqual([POST]);
    expect(await numbersOf(events)).toEqual([1]);
    expect(asked()).toEqual([POST]);
  });

  it("can be read twice", async () => {
    const events = await execution([streams(frame(1), finish(2)), streams(frame(1), finish(2))]);
    expect(await numbersOf(events)).toEqual([1, 2]);
    expect(await numbersOf(events)).toEqual([1, 2]);
    expect(asked()).toEqual([POST, "GET /v1/sessions/s/executions/e/events"]);
  });

  it("are whole, however the bytes are cut", async () => {
    const bytes = Buffer.from(frame(1, "stream", { text: "é 🔥 \\n" }) + finish(2));
    const events = await execution([
      async (response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        for (const byte of bytes) {
          if (!response.write(Buffer.of(byte))) await once(response, "drain");
          await new Promise(setImmediate);
        }
        response.end();
      },
    ]);
    const texts: unknown[] = [];
    for await (const event of events) if (event.type === "stream") texts.push(event.text);
    expect(texts).toEqual(["é 🔥 \\n"]);
  });

  it("of types that are not known yet are passed over, and counted", async () => {
    const events = await execution([
      streamsAndBreaks(frame(1), frame(2, "of_tomorrow")),
      streams(frame(3, "toString"), finish(4)),
    ]);
    expect(await numbersOf(events)).toEqual([1, 4]);
    expect(asked()).toEqual([POST, after(2)]);
  });

  it.each([
    ["no JSON", "data: {\n\n"],
    ["no event", "data: null\n\n"],
    ["without a number", 'data: {"type": "stream"}\n\n'],
  ])("that are %s are not believed", async (_what, data) => {
    const events = await execution([streams(data)]);
    await expect(numbersOf(events)).rejects.toMatchObject({ code: "answer_invalid" });
  });
});

describe("a stream that breaks", () => {
  it("is taken up where it broke, each event once", async () => {
    const events = await execution([
      streamsAndBreaks(frame(1), frame(2)),
      streamsAndBreaks(frame(2), frame(3)),
      streams(frame(2), frame(3), frame(4), finish(5)),
    ]);
    expect(await numbersOf(events)).toEqual([1, 2, 3, 4, 5]);
    expect(asked()).toEqual([POST, after(2), after(3)]);
  });

  it("is taken up where it ended too early without an error", async () => {
    const events = await execution([streams(frame(1)), streams(finish(2))]);
    expect(await numbersOf(events)).toEqual([1, 2]);
  });

  it("gives nothing of a frame that was cut off", async () => {
    const events = await execution([
      streamsAndBreaks(frame(1), frame(2).slice(0, -2)),
      streams(frame(2), finish(3)),
    ]);
    expect(await numbersOf(events)).toEqual([1, 2, 3]);
    expect(asked()).toEqual([POST, after(1)]);
  });

  it("says what the gateway does not have any more", async () => {
    const lost = frame(8, "gap", { from: 2, to: 8, reason: "overwritten" });
    const events = await execution([streamsAndBreaks(frame(1)), streams(lost, finish(9))]);
    const seen: object[] = [];
    for await (const event of events) seen.push(event);
    expect(seen).toMatchObject([{ n: 1 }, { type: "gap", from: 2, to: 8 }, { n: 9 }]);
  });

  it("before its first event is read from the beginning, not sent again", async () => {
    const events = await execution([streamsAndBreaks(), streams(frame(1), finish(2))]);
    expect(await numbersOf(events)).toEqual([1, 2]);
    expect(asked()).toEqual([POST, "GET /v1/sessions/s/executions/e/events"]);
  });

  it("before it was answered is sent again with the same id and body", async () => {
    const events = await execution([breakOff, breakOff, streams(frame(1), finish(2))]);
    expect(await numbersOf(events)).toEqual([1, 2]);
    expect(asked()).toEqual([POST, POST, POST]);
    const [first, ...others] = gateway.requests.map(({ body }) => body);
    expect(first).toEqual({ code: "code", execution_id: "e" });
    expect(others).toEqual([first, first]);
  });

  it.each([
    [503, "shutting_down"],
    [503, "sandbox_unreachable"],
    [504, "sandbox_unresponsive"],
  ])("before it began with %i %s is sent again with the same id and body", async (status, code) => {
    const events = await execution([refuse(status, code), streams(frame(1), finish(2))]);
    expect(await numbersOf(events)).toEqual([1, 2]);
    expect(asked()).toEqual([POST, POST]);
    const [first, again] = gateway.requests.map(({ body }) => body);
    expect(again).toEqual(first);
  });

  it.each([
    [429, "queue_full"],
    [502, "session_start_failed"],
    [500, "internal_error"],
  ])("before it began with %i %s is not sent again", async (status, code) => {
    const events = await execution([refuse(status, code), streams(finish(1))]);
    await expect(numbersOf(events)).rejects.toMatchObject({ code, status });
    expect(asked()).toEqual([POST]);
  });

  it.each([
    [503, "sandbox_unreachable"],
    [504, "sandbox_unresponsive"],
  ])("because of %i %s is taken up when the sandbox is back", async (status, code) => {
    const events = await execution([
      streamsAndBreaks(frame(1)),
      refuse(status, code),
      streams(finish(2)),
    ]);
    expect(await numbersOf(events)).toEqual([1, 2]);
    expect(asked()).toEqual([POST, after(1), after(1)]);
  });

  it("because the gateway is away is taken up when it is back", async () => {
    const proxyAlone: Answer = (response) => void response.writeHead(502).end("<html>");
    const events = await execution([
      streamsAndBreaks(frame(1)),
      proxyAlone,
      refuse(503, "shutting_down"),
      async (response) => {
        response.destroy();
        await gateway.shut();
        setTimeout(() => void gateway.open(), 300);
      },
      streams(finish(2)),
    ]);
    expect(await numbersOf(events)).toEqual([1, 2]);
    expect(asked().slice(1)).toEqual([after(1), after(1), after(1), after(1)]);
  });

  it("because nothing comes any more is taken up", async () => {
    const events = await execution([streamsAndHangs(frame(1)), streams(finish(2))], {
      retry: { silence_s: 0.2 },
    });
    expect(await numbersOf(events)).toEqual([1, 2]);
  });

  it("ends the loop when the gateway stays away for too long", async () => {
    const events = await execution([streamsAndBreaks(frame(1)), breakOff], soon);
    const numbers: number[] = [];
    const read = (async () => {
      for await (const { n } of events) numbers.push(n);
    })();
    await expect(read).rejects.toMatchObject({ code: "gateway_unreachable" });
    expect(numbers).toEqual([1]);
    expect(gateway.requests.length).toBeGreaterThan(2);
  });

  it("is not taken up where that was not wanted", async () => {
    const events = await execution([streamsAndBreaks(frame(1))], { retry: { for_s: 0 } });
    await expect(numbersOf(events)).rejects.toMatchObject({ code: "gateway_unreachable" });
    expect(asked()).toEqual([POST]);
  });

  it("has all its time again after each event", async () => {
    const breaks = Array.from({ length: 8 }, (_none, index) => streamsAndBreaks(frame(index + 1)));
    const events = await execution([...breaks, streams(finish(9))], soon);
    expect(await numbersOf(events)).toHaveLength(9);
  });

  it.each([
    [410, "execution_forgotten"],
    [410, "session_ended"],
    [404, "session_not_found"],
    [401, "unauthenticated"],
  ])("is over where the gateway answers %i %s", async (status, code) => {
    const events = await execution([streamsAndBreaks(frame(1)), refuse(status, code)]);
    await expect(numbersOf(events)).rejects.toMatchObject({
      name: "HotcellError",
      code,
      status,
      requestId: "r-1",
    });
    expect(asked()).toEqual([POST, after(1)]);
  });

  it("is over where nothing can follow", async () => {
    const events = await execution([
      streamsAndBreaks(frame(1)),
      (response) => void response.writeHead(204).end(),
    ]);
    expect(await numbersOf(events)).toEqual([1]);
  });
});

describe("a loop over events that is left", () => {
  async function closed(response: ServerResponse): Promise<void> {
    if (!response.closed) await once(response, "close");
  }

  it("closes the connection", async () => {
    let open: ServerResponse | undefined;
    const events = await execution([
      (response, request) => {
        open = response;
        return streamsAndHangs(frame(1))(response, request);
      },
    ]);
    for await (const event of events) if (event.n === 1) break;
    if (open !== undefined) await closed(open);
    expect(open?.closed).toBe(true);
    expect(asked()).toEqual([POST]);
  });

  it("while it waits ends, too", async () => {
    const events = (await execution([streamsAndHangs(frame(1))]))[Symbol.asyncIterator]();
    await events.next();
    const waiting = events.next();
    await events.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  it.each([
    ["while nothing is answered", hang],
    ["while events come", streamsAndHangs(frame(1))],
    ["while the gateway is away", breakOff],
  ])("by its signal stops at once, with its reason: %s", async (_when, answer) => {
    const leaving = new AbortController();
    const events = await execution(
      [
        (response, request) => {
          setTimeout(() => leaving.abort(new Error("enough")), 100);
          return answer(response, request);
        },
      ],
      { signal: leaving.signal },
    );
    await expect(numbersOf(events)).rejects.toThrow("enough");
  });

  it("by a signal before it began asks for nothing", async () => {
    const events = await execution([hang], { signal: AbortSignal.abort(new Error("never")) });
    await expect(numbersOf(events)).rejects.toThrow("never");
    expect(gateway.requests).toEqual([]);
  });
});

describe("an execution", () => {
  it("makes an id of its own, that is one for gateways", async () => {
    gateway = await startScriptedGateway(streams(finish(1)));
    const session = await gateway.session();
    const ids = new Set(Array.from({ length: 100 }, () => session.stream("x").id));
    expect(ids.size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^exe_[0-9a-hjkmnp-tv-z]{26}$/);
  });

  it("that exists is followed without being sent", async () => {
    gateway = await startScriptedGateway(streams(frame(1), finish(2)));
    const session = await gateway.session();
    expect(await numbersOf(session.execution("e"))).toEqual([1, 2]);
    expect(asked()).toEqual(["GET /v1/sessions/s/executions/e/events"]);
  });

  it("is gathered after its events were read", async () => {
    const events = await execution([
      streams(finish(1)),
      streams(finish(1)),
      (response) => sendJson(response, 200, gathered({ text: "all" })),
    ]);
    expect(await numbersOf(events)).toEqual([1]);
    expect(await events.result()).toMatchObject({ text: "all" });
    expect(asked().at(-1)).toBe("GET /v1/sessions/s/executions/e");
    expect(asked().filter((request) => request === POST)).toHaveLength(1);
  });

  it("is interrupted, answered and cancelled by its id", async () => {
    const events = await execution([
      (response, { method }) =>
        method === "DELETE"
          ? sendJson(response, 200, { id: "e", state: "finished", status: "cancelled" })
          : void response.writeHead(204).end(),
    ]);
    await events.interrupt();
    await events.input("Ada");
    await events.input("Grace", { n: 7 });
    expect(await events.cancel()).toMatchObject({ status: "cancelled" });
    expect(asked()).toEqual([
      "POST /v1/sessions/s/executions/e/interrupt",
      "POST /v1/sessions/s/executions/e/input",
      "POST /v1/sessions/s/executions/e/input",
      "DELETE /v1/sessions/s/executions/e",
    ]);
    expect(gateway.requests[1]?.body).toEqual({ value: "Ada" });
    expect(gateway.requests[2]?.body).toEqual({ value: "Grace", n: 7 });
  });

  const taken: Answer = (response) => void response.writeHead(204).end();
  const over = refuse(409, "execution_finished");

  it("is interrupted though the gateway is away for a while, or has stopped in between", async () => {
    const events = await execution([breakOff, refuse(503, "shutting_down"), taken, taken]);
    await events.interrupt();
    expect(gateway.requests).toHaveLength(3);
    gateway.requests.length = 0;
    await gateway.shut();
    const interrupted = events.interrupt();
    await gateway.open();
    await interrupted;
    expect(gateway.requests).toHaveLength(1);
  });

  it("was interrupted where asking again finds it ended, and not where it had ended before", async () => {
    const events = await execution([breakOff, over]);
    await events.interrupt();
    await expect(events.interrupt()).rejects.toMatchObject({ code: "execution_finished" });
    expect(gateway.requests).toHaveLength(3);
  });

  it("is cancelled though the gateway is away for a while", async () => {
    const events = await execution([
      breakOff,
      refuse(503, "sandbox_unreachable"),
      (response) => sendJson(response, 200, { id: "e", state: "finished", status: "cancelled" }),
    ]);
    expect(await events.cancel()).toMatchObject({ status: "cancelled" });
    expect(gateway.requests).toHaveLength(3);
  });

  it("is answered again where the first answer was certainly not taken", async () => {
    const events = await execution([refuse(503, "shutting_down"), taken]);
    await events.input("Ada");
    expect(gateway.requests).toHaveLength(2);
    await gateway.shut();
    // With it goes the connection that was kept: what breaks on that may have been taken.
    await expect(fetch(gateway.url)).rejects.toThrow();
    const answered = events.input("Grace");
    await gateway.open();
    await answered;
    expect(gateway.requests.map(({ body }) => body["value"])).toEqual(["Ada", "Ada", "Grace"]);
  });

  it.each([
    ["breaks", breakOff, "gateway_unreachable"],
    ["finds the sandbox away", refuse(503, "sandbox_unreachable"), "sandbox_unreachable"],
  ])("is not answered twice where the first answer %s", async (_how, answer, code) => {
    const events = await execution([answer, taken]);
    await expect(events.input("Ada")).rejects.toMatchObject({ code });
    expect(gateway.requests).toHaveLength(1);
  });

  it.each(["interrupt", "cancel", "input"] as const)(
    "%s gives up after a while, and at once when its signal aborts",
    async (name) => {
      const events = await execution([refuse(503, "shutting_down")], soon);
      const ask = (options?: { signal: AbortSignal }) =>
        name === "input" ? events.input("x", options) : events[name](options);
      await expect(ask()).rejects.toMatchObject({ code: "shutting_down" });
      await expect(ask({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow(
        "enough",
      );
    },
  );

  it("fetches what was too large for an event, and nothing from elsewhere", async () => {
    const events = await execution([(response) => void response.writeHead(200).end("bytes")]);
    const bytes = await events.artifact("/v1/sessions/s/executions/e/artifacts/a1");
    expect(new TextDecoder().decode(bytes)).toBe("bytes");
    const elsewhere = ["@example.org/", "//example.org/v1/", "/v1/../healthz", "/v1/a?b", "/docs"];
    for (const href of elsewhere) {
      await expect(events.artifact(href)).rejects.toMatchObject({ code: "answer_invalid" });
    }
    expect(gateway.requests).toHaveLength(1);
  });
});
