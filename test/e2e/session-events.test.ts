import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type FollowOptions,
  Hotcell,
  type Session,
  type SessionEvent,
} from "../../src/client/index.js";
import { startCuttingProxy } from "./cutting-proxy.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { SocketClient } from "./socket-client.js";

let gateway: GatewayProcess;
let session: Session;
let kernel: string;
beforeAll(async () => {
  gateway = await startGatewayProcess();
  session = await gateway.client.session();
  kernel = session.view.kernels[0]?.id ?? "";
});
afterAll(async () => gateway.close());

const SECOND = "import time\ntime.sleep(0.5)\n";

/** A reader of a session's events that remembers what it got. */
class Watcher {
  readonly seen: SessionEvent[] = [];
  readonly #events: AsyncIterator<SessionEvent, void, undefined>;

  private constructor(of: Session, options: FollowOptions) {
    this.#events = of.events(options)[Symbol.asyncIterator]();
  }

  /** Resolves when nothing that happens from then on is missed. */
  static async open(of: Session, options: FollowOptions = {}): Promise<Watcher> {
    const watcher = new Watcher(of, options);
    await watcher.until(({ type }) => type === "following");
    return watcher;
  }

  async until(fits: (event: SessionEvent) => boolean): Promise<SessionEvent> {
    for (;;) {
      const { done, value } = await this.#events.next();
      if (done === true) throw new Error("the events have ended");
      this.seen.push(value);
      if (fits(value)) return value;
    }
  }

  async close(): Promise<void> {
    await this.#events.return?.();
  }
}

const finished = (id: string) => (event: SessionEvent) =>
  event.type === "execution_finished" && event.execution_id === id;
const says = (text: string) => (event: SessionEvent) =>
  event.type === "stream" && event.text.includes(text);

/** Whether numbers only rise. */
function expectOrder(events: readonly { n?: number | undefined }[]): void {
  const numbers = events.map(({ n }) => n ?? NaN);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
}

describe("what is said after an execution has ended", () => {
  it.each([
    [
      "by a thread",
      "import threading, time\ndef later():\n    time.sleep(0.5); print('from the %s')\n" +
        "threading.Thread(target=later).start()",
    ],
    [
      "by a task",
      "import asyncio\nasync def later():\n    await asyncio.sleep(0.5); print('from the %s')\n" +
        "task = asyncio.ensure_future(later())",
    ],
    [
      "by a child",
      "import subprocess\nsubprocess.Popen(['sh', '-c', 'sleep 0.5; echo from the %s'])",
    ],
  ])("%s is on the session's and the kernel's streams only, and marked", async (who, code) => {
    const watchers = [await Watcher.open(session), await Watcher.open(session, { kernel })];
    const execution = session.stream(code.replace("%s", who));
    const own: string[] = [];
    for await (const event of execution) own.push(event.type);
    expect(own).toEqual(["execution_started", ...own.slice(1, -1), "execution_finished"]);
    expect(own).not.toContain("stream");
    for (const watcher of watchers) {
      const late = await watcher.until(says(`from the ${who}`));
      expect(late).toMatchObject({ kernel_id: kernel, late: true, execution_id: execution.id });
      expect(late.n).toBeGreaterThan(watcher.seen.find(finished(execution.id))?.n ?? Infinity);
      await watcher.close();
    }
    const again = session.execution(execution.id);
    for await (const event of again) expect(event.type).not.toBe("stream");
    const next = await session.run("'the next run'");
    expect(next.text).toBe("'the next run'");
  });

  it("does not come into the run that is on then", async () => {
    const watcher = await Watcher.open(session);
    await session.run(
      "import threading, time\ndef later():\n    time.sleep(0.3); print('crossing')\n" +
        "threading.Thread(target=later).start()",
      { execution_id: "thrower" },
    );
    const during = await session.run(`${SECOND}print('own')`, { execution_id: "during" });
    expect(during.text).toBe("own\n");
    await watcher.until(finished("during"));
    const crossing = watcher.seen.find(says("crossing"));
    expect(crossing).toMatchObject({ execution_id: "thrower", late: true });
    const started = watcher.seen.find(
      (event) => event.type === "execution_started" && event.execution_id === "during",
    );
    expect(crossing?.n).toBeGreaterThan(started?.n ?? Infinity);
    await watcher.close();
  });
});

describe("the events of a session", () => {
  it("are the same for all who follow, from the beginning or through broken connections", async () => {
    const proxy = await startCuttingProxy(gateway.url);
    try {
      const own = await gateway.client.session();
      const cut = await new Hotcell({ url: proxy.url, key: gateway.key }).attach(own.id);
      const [straight, broken] = [await Watcher.open(own), await Watcher.open(cut)];
      proxy.cutAfter(3_000, 10);
      const code = "for i in range(200):\n    print(i, '.' * 100, flush=True)";
      for (const id of ["one", "two"]) await own.run(code, { execution_id: id });
      for (const watcher of [straight, broken]) await watcher.until(finished("two"));
      expect(proxy.cuts).toBe(10);
      expect(broken.seen).toEqual(
        straight.seen.map((event, index) =>
          index === 0 ? (broken.seen[0] as SessionEvent) : event,
        ),
      );
      expectOrder(broken.seen.slice(1));
      const replay = await Watcher.open(own, { after: 0 });
      await replay.until(finished("two"));
      expect(replay.seen.map(({ type }) => type).slice(0, 3)).toEqual([
        ...["following", "kernel_starting", "kernel_ready"],
      ]);
      expect(replay.seen.slice(-straight.seen.length + 1)).toEqual(straight.seen.slice(1));
      for (const watcher of [straight, broken, replay]) await watcher.close();
      await own.end();
    } finally {
      await proxy.close();
    }
  });

  it("tell of a kernel's death while idle and while running, and of the next one", async () => {
    const watcher = await Watcher.open(session, { kernel });
    await session.run("import os; os._exit(3)", { execution_id: "exits" });
    await watcher.until(({ type }) => type === "kernel_ready");
    const died = watcher.seen.find(({ type }) => type === "kernel_died");
    expect(died).toMatchObject({ kernel_id: kernel, reason: "exit 3", exit_code: 3 });
    expect(watcher.seen.find(finished("exits"))).toMatchObject({ status: "kernel_died" });
    await session.run(
      "import os, threading; threading.Timer(0.3, lambda: os.kill(os.getpid(), 9)).start()",
    );
    const idle = await watcher.until(({ type }) => type === "kernel_died");
    expect(idle).toMatchObject({ reason: "signal 9", signal: 9 });
    const ready = await watcher.until(({ type }) => type === "kernel_ready");
    expect(ready).toMatchObject({ language: "python" });
    expect(await session.run("1")).toMatchObject({ status: "ok" });
    await watcher.close();
  });

  it("end with the session and the reason, for both kinds of streams", async () => {
    const own = await gateway.client.session();
    const of = { kernel: own.view.kernels[0]?.id };
    const watchers = [await Watcher.open(own), await Watcher.open(own, of)];
    await own.stream("import time; time.sleep(60)").accepted();
    await own.end();
    for (const watcher of watchers) {
      await watcher.until(({ type }) => type === "session_ended");
      expect(watcher.seen.at(-1)).toMatchObject({
        type: "session_ended",
        reason: "session_deleted",
      });
      expect(watcher.seen.at(-2)).toMatchObject({
        type: "execution_finished",
        status: "cancelled",
        reason: "session_deleted",
      });
      expectOrder(watcher.seen.slice(1));
    }
  });
});

describe("the WebSocket", () => {
  it("follows sessions and kernels, from now on or behind a number, until it is told not to", async () => {
    const socket = await SocketClient.open(gateway, session.id);
    socket.send({ op: "resume", ref: "all" });
    socket.send({ op: "resume", ref: "one", kernel });
    await socket.until(({ ref, type }) => ref === "all" && type === "following");
    await socket.until(({ ref, type }) => ref === "one" && type === "following");
    socket.send({ op: "execute", ref: "x", execution_id: "seen-thrice", code: "print('hi')" });
    for (const ref of ["all", "one", "x"]) await socket.finished(ref);
    const untagged = (ref: string) =>
      socket.of(ref).map(({ ref: _ref, kernel_id: _kernel, ...event }) => event);
    expect(untagged("all").slice(1)).toEqual(untagged("x"));
    expect(untagged("one").slice(1)).toEqual(untagged("x"));

    socket.send({ op: "unfollow", ref: "all" });
    expect(await socket.until(({ type }) => type === "unfollowed")).toMatchObject({ ref: "all" });
    socket.send({ op: "execute", ref: "y", code: "print('unseen')" });
    await socket.finished("y");
    await socket.until(({ ref, text }) => ref === "one" && text === "unseen\n");
    expect(socket.of("all").filter(({ text }) => text === "unseen\n")).toEqual([]);

    const last = socket.of("one").at(-3)?.n ?? 0;
    socket.close();
    const later = await SocketClient.open(gateway, session.id);
    later.send({ op: "resume", ref: "again", kernel, after: last });
    await later.finished("again");
    expect(later.of("again").map(({ type }) => type)).toEqual([
      ...["following", "stream", "execution_finished"],
    ]);
    later.close();
  });

  it("says what it cannot follow", async () => {
    const socket = await SocketClient.open(gateway, session.id);
    await session.run("1", { execution_id: "over" });
    const none = "00000000-0000-4000-8000-000000000000";
    for (const [message, answer] of [
      [{ ref: "1", kernel: none }, { problem: { code: "kernel_not_found" } }],
      [{ ref: "2", after: 1e9 }, { problem: { code: "invalid_request" } }],
      [{ ref: "3", kernel, execution_id: "over" }, { problem: { code: "invalid_request" } }],
      [{ ref: "4", execution_id: "over", after: 1e9 }, { type: "nothing_follows" }],
      [{ op: "unfollow", ref: "5" }, { problem: { code: "invalid_request" } }],
    ] as const) {
      socket.send({ op: "resume", ...message });
      expect(await socket.until(({ ref }) => ref === message.ref)).toMatchObject(answer);
    }
    socket.send({ op: "resume", ref: "twice" });
    socket.send({ op: "resume", ref: "twice" });
    expect(
      await socket.until(({ ref, type }) => ref === "twice" && type === "problem"),
    ).toMatchObject({
      problem: { code: "invalid_request", errors: [{ path: "ref" }] },
    });
    socket.close();
  });
});
