import { afterEach, describe, expect, it } from "vitest";
import type { FollowOptions, SessionEvents } from "../../src/client/index.js";
import {
  type Answer,
  breakOff,
  frame,
  hang,
  refuse,
  type ScriptedGateway,
  startScriptedGateway,
  streams,
  streamsAndBreaks,
  streamsAndHangs,
} from "./scripted-gateway.js";

let gateway: ScriptedGateway;
afterEach(async () => gateway.close());

async function follow(answers: Answer[], options: FollowOptions = {}): Promise<SessionEvents> {
  gateway = await startScriptedGateway(...answers);
  return (await gateway.session()).events(options);
}

async function seen(events: SessionEvents): Promise<[string, number][]> {
  const all: [string, number][] = [];
  for await (const { type, n } of events) all.push([type, n]);
  return all;
}

const following = (n: number): string => frame(n, "following", { session_id: "s" });
const ended = (n: number): string => frame(n, "session_ended", { reason: "idle" });
const asked = (): string[] => gateway.requests.map(({ path }) => path);
const EVENTS = "/v1/sessions/s/events";

describe("the events of a session", () => {
  it("come from now on, to its end", async () => {
    const events = await follow([streams(following(7), frame(8), ended(9), frame(10))]);
    expect(await seen(events)).toEqual([
      ["following", 7],
      ["stream", 8],
      ["session_ended", 9],
    ]);
    expect(asked()).toEqual([EVENTS]);
    expect(gateway.requests[0]?.headers).toMatchObject({ accept: "text/event-stream" });
  });

  it("come each once through a broken connection, also when nothing had come yet", async () => {
    const events = await follow([
      streamsAndBreaks(following(7)),
      streamsAndBreaks(following(7), frame(8), frame(9).slice(0, -2)),
      streams(following(8), frame(8), frame(9), ended(10)),
    ]);
    expect(await seen(events)).toEqual([
      ["following", 7],
      ["stream", 8],
      ["stream", 9],
      ["session_ended", 10],
    ]);
    expect(asked()).toEqual([EVENTS, `${EVENTS}?after=7`, `${EVENTS}?after=8`]);
  });

  it("begin behind a number, with 0 at the beginning, each time that they are read", async () => {
    const events = await follow([streams(following(0), frame(1), ended(2))], { after: 0 });
    const all = [
      ["following", 0],
      ["stream", 1],
      ["session_ended", 2],
    ];
    expect(await seen(events)).toEqual(all);
    expect(await seen(events)).toEqual(all);
    expect(asked()).toEqual([`${EVENTS}?after=0`, `${EVENTS}?after=0`]);
  });

  it("are taken up through all that a restart of the gateway looks like", async () => {
    const events = await follow([
      streamsAndBreaks(following(1), frame(2)),
      breakOff,
      (response) => void response.writeHead(502).end("<html>"),
      refuse(503, "shutting_down"),
      async (response) => {
        response.destroy();
        await gateway.shut();
        setTimeout(() => void gateway.open(), 300);
      },
      refuse(503, "sandbox_unreachable"),
      refuse(504, "sandbox_unresponsive"),
      streams(following(2), ended(3)),
    ]);
    expect((await seen(events)).map(([, n]) => n)).toEqual([1, 2, 3]);
    expect(new Set(asked().slice(1))).toEqual(new Set([`${EVENTS}?after=2`]));
  });

  it("are one kernel's, until it is removed", async () => {
    const events = await follow([streams(following(1), frame(2, "kernel_removed"), frame(3))], {
      kernel: "k",
    });
    expect((await seen(events)).map(([, n]) => n)).toEqual([1, 2]);
    expect(asked()).toEqual(["/v1/sessions/s/kernels/k/events"]);
  });

  it("go on when one of several kernels is removed", async () => {
    const events = await follow([streams(following(1), frame(2, "kernel_removed"), ended(3))]);
    expect((await seen(events)).map(([, n]) => n)).toEqual([1, 2, 3]);
  });

  it("that are not known yet are passed over, and counted", async () => {
    const events = await follow([
      streamsAndBreaks(following(1), frame(2, "of_tomorrow")),
      streams(following(2), ended(3)),
    ]);
    expect((await seen(events)).map(([, n]) => n)).toEqual([1, 3]);
    expect(asked()[1]).toBe(`${EVENTS}?after=2`);
  });

  it.each([
    [410, "session_ended"],
    [404, "kernel_not_found"],
    [401, "unauthenticated"],
  ])("are over where the gateway answers %i %s", async (status, code) => {
    const events = await follow([streamsAndBreaks(following(1)), refuse(status, code)]);
    await expect(seen(events)).rejects.toMatchObject({ code, status });
  });

  it("are over when the gateway stays away for too long", async () => {
    const events = await follow([streamsAndBreaks(following(1)), breakOff], {
      retry: { for_s: 0.3 },
    });
    await expect(seen(events)).rejects.toMatchObject({ code: "gateway_unreachable" });
  });

  it("are left while they are waited for", async () => {
    const events = (await follow([streamsAndHangs(following(1))]))[Symbol.asyncIterator]();
    await events.next();
    const waiting = events.next();
    await events.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  it.each([
    ["while nothing is answered", hang],
    ["while they come", streamsAndHangs(following(1))],
    ["while the gateway is away", breakOff],
  ])("end by their signal, with its reason: %s", async (_when, answer) => {
    const leaving = new AbortController();
    const events = await follow(
      [
        (response, request) => {
          setTimeout(() => leaving.abort(new Error("enough")), 100);
          return answer(response, request);
        },
      ],
      { signal: leaving.signal },
    );
    await expect(seen(events)).rejects.toThrow("enough");
  });

  it("are of kernels whose id is one", async () => {
    gateway = await startScriptedGateway(hang);
    const session = await gateway.session();
    expect(() => session.events({ kernel: "../x" })).toThrow(/no id/);
  });
});
