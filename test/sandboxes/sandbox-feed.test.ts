import { beforeEach, describe, expect, it, onTestFinished } from "vitest";

import { createKerneldClient } from "../../src/sandboxes/kerneld-client.js";
import type { JournalRecord } from "../../src/sandboxes/journal-record.js";
import type { SandboxLink } from "../../src/sandboxes/link.js";
import { PAST_JOURNAL } from "../../src/sandboxes/lost-run.js";
import {
  type OpenSandboxFeedOptions,
  type SandboxFeed,
  openSandboxFeed,
} from "../../src/sandboxes/sandbox-feed.js";
import { type FriendlyKerneld, startFriendlyKerneld } from "./friendly-kerneld.js";
import { encodeFrame } from "./frames.js";
import { KERNEL, finishedHead, messageHead, startedHead } from "./records.js";
import { testLink } from "./test-link.js";

let link: SandboxLink;
let kerneld: FriendlyKerneld;

beforeEach(async () => {
  link = await testLink();
  kerneld = await startFriendlyKerneld({ socketPath: link.socketPath });
  return () => kerneld.close();
});

function feedOf(options: Partial<OpenSandboxFeedOptions> = {}): SandboxFeed {
  const feed = openSandboxFeed({ link, knownRun: () => true, ...options });
  onTestFinished(() => feed.close());
  return feed;
}

/** Journals a record; its number is the journal's. */
const append = (head: Record<string, unknown>) =>
  kerneld.journal.append({ ...head, n: kerneld.journal.lastNumber + 1 });
const say = (run: string | null, text = "x") =>
  append(messageHead(0, { run, content: { name: "stdout", text } }));
const start = (run: string) => append(startedHead(0, { run }));
const finish = (run: string, fields: object = {}) => append(finishedHead(0, { run, ...fields }));
const caughtUp = (feed: SandboxFeed) =>
  expect.poll(() => feed.lastNumber).toBe(kerneld.journal.lastNumber);

async function collect(records: AsyncIterable<JournalRecord>): Promise<JournalRecord[]> {
  const collected = [];
  for await (const record of records) collected.push(record);
  return collected;
}

const numbers = (records: JournalRecord[]) => records.map(({ n }) => n);
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe("a feed", () => {
  it("tells its owner of every record, once and in order, before any reader", async () => {
    const seen: string[] = [];
    const feed = feedOf({ onRecord: ({ n }) => seen.push(`owner ${n}`) });
    const reading = (async () => {
      for await (const { n } of feed.read({ after: 0, run: "a" })) seen.push(`reader ${n}`);
    })();
    start("a");
    finish("a");
    await reading;
    expect(seen.filter((entry) => entry.startsWith("owner"))).toEqual(["owner 1", "owner 2"]);
    expect(seen.filter((entry) => entry.startsWith("reader"))).toEqual(["reader 1", "reader 2"]);
    expect(seen.indexOf("owner 2")).toBeLessThan(seen.indexOf("reader 2"));
  });

  it("lives on when its owner cannot take a record in", async () => {
    const feed = feedOf({
      onRecord: () => {
        throw new Error("out of order");
      },
    });
    const reading = collect(feed.read({ after: 0, run: "a" }));
    start("a");
    finish("a");
    expect(numbers(await reading)).toEqual([1, 2]);
  });

  it("holds one subscription, however many read", async () => {
    const feed = feedOf();
    const readings = Array.from({ length: 50 }, () => collect(feed.read({ after: 0, run: "a" })));
    await caughtUp(feed);
    start("a");
    for (let n = 0; n < 100; n += 1) say("a");
    finish("a");
    for (const records of await Promise.all(readings))
      expect(numbers(records)).toEqual(range(1, 102));
    expect(kerneld.requests.filter((request) => request.includes("/journal"))).toHaveLength(1);
  });

  it("drops records of runs that nobody asked for, a second end, and news of a run that ended", async () => {
    const feed = feedOf({ knownRun: (run) => run === "a" });
    const all = collect(feed.read({ after: 0 }));
    start("a");
    start("other-session");
    say("other-session");
    finish("other-session");
    const end = finish("a", { status: "error" });
    finish("a", { status: "ok" });
    start("a");
    const late = say("a");
    const parentless = say(null);
    await caughtUp(feed);
    feed.end({ status: "cancelled", reason: "session_deleted" });
    const records = await all;
    expect(numbers(records)).toEqual([1, end, late, parentless]);
    expect(records[1]).toMatchObject({ status: "error" });
    expect(records[2]).toMatchObject({ late: true });
  });

  it("goes on from its last number when the connections break and come back", async () => {
    const feed = feedOf();
    const reading = collect(feed.read({ after: 0, run: "a" }));
    start("a");
    await caughtUp(feed);
    kerneld.disconnect();
    say("a");
    await expect.poll(() => feed.lastNumber).toBe(2);
    kerneld.disconnect();
    finish("a");
    expect(numbers(await reading)).toEqual([1, 2, 3]);
    const follows = kerneld.requests.filter((request) => request.includes("/journal"));
    expect(follows).toContain("GET /journal?after=1&follow=1");
  });

  it("ends with a failure when the sandbox breaks the protocol, and every run with it", async () => {
    const failures: unknown[] = [];
    const feed = feedOf({ onFailure: (error) => failures.push(error) });
    feed.expect({ run: "a", kernel: KERNEL });
    const reading = collect(feed.read({ after: 0, run: "a" }));
    start("a");
    await caughtUp(feed);
    kerneld.journal.append({ ...messageHead(0), n: 1 });
    const records = await reading;
    expect(numbers(records)).toEqual([1, PAST_JOURNAL]);
    expect(records[1]).toMatchObject({
      event: "execution_finished",
      status: "kernel_died",
      reason: "sandbox_lost",
      state: "lost",
      kernel: KERNEL,
    });
    expect(failures).toMatchObject([{ code: "sandbox_protocol_violation" }]);
    expect(feed.ended).toBe("sandbox_lost");
  });
});

describe("a reader", () => {
  it("of a run gets that run, and ends behind its last record", async () => {
    const feed = feedOf();
    const reading = collect(feed.read({ after: 0, run: "a" }));
    start("a");
    say("b");
    say("a");
    append(messageHead(0, { run: "a", late: true }));
    finish("a");
    say("a");
    expect(numbers(await reading)).toEqual([1, 3, 5]);
  });

  it("of a kernel gets that kernel, until the feed ends", async () => {
    const feed = feedOf();
    const other = "22222222-2222-4333-8444-555555555555";
    const reading = collect(feed.read({ after: 0, kernel: other }));
    say("a");
    append(messageHead(0, { kernel: other }));
    await caughtUp(feed);
    feed.end({ status: "cancelled", reason: "session_deleted" });
    expect(numbers(await reading)).toEqual([2]);
  });

  it("misses nothing between its call and its first look", async () => {
    const feed = feedOf();
    await caughtUp(feed);
    const reader = feed.read({ after: 0, run: "a" });
    start("a");
    finish("a");
    await caughtUp(feed);
    expect(numbers(await collect(reader))).toEqual([1, 2]);
    expect(kerneld.requests.filter((request) => request.includes("follow=0"))).toEqual([]);
  });

  it("of an expected run needs no second look at the sandbox's journal", async () => {
    const feed = feedOf();
    feed.expect({ run: "a", kernel: KERNEL });
    const { lastNumber } = feed;
    start("a");
    finish("a");
    await caughtUp(feed);
    expect(numbers(await collect(feed.read({ after: lastNumber, run: "a" })))).toEqual([1, 2]);
    expect(kerneld.requests.filter((request) => request.includes("follow=0"))).toEqual([]);
  });

  it("that comes late gets what was before from the sandbox's journal", async () => {
    const feed = feedOf();
    start("a");
    for (let n = 0; n < 10; n += 1) say("a");
    await caughtUp(feed);
    const reading = collect(feed.read({ after: 3, run: "a" }));
    say("a");
    finish("a");
    expect(numbers(await reading)).toEqual(range(4, 13));
  });

  it("of a run that ended before the feed began ends too", async () => {
    start("a");
    finish("a");
    const feed = feedOf({ after: 2 });
    expect(numbers(await collect(feed.read({ after: 0, run: "a" })))).toEqual([1, 2]);
    expect(numbers(await collect(feed.read({ after: 1, run: "a" })))).toEqual([2]);
    expect(numbers(await collect(feed.read({ after: 2, run: "a" })))).toEqual([]);
  });

  it("that has had everything of an ended run before the feed began asks the sandbox, and ends", async () => {
    const client = createKerneldClient(link);
    await client.assign({
      session_id: "s",
      env: {},
      cwd: null,
      kernels: [{ id: KERNEL, language: "python" }],
    });
    await client.runs.put("a", {
      kernel: KERNEL,
      code: "1",
      timeout_s: 1,
      grace_s: 1,
      env: null,
      cwd: null,
      stdin: "deny",
      max_output_bytes: 1,
      expect_generation: null,
      silent: false,
      store_history: true,
      stop_on_error: true,
      queue: true,
    });
    await expect.poll(() => kerneld.runs.get("a")?.state).toBe("finished");
    const feed = feedOf({ after: kerneld.journal.lastNumber });
    const { lastNumber } = feed;
    expect(await collect(feed.read({ after: lastNumber, run: "a" }))).toEqual([]);
  });

  it("of a run that nobody asked for ends at once", async () => {
    const feed = feedOf({ knownRun: () => false });
    expect(await collect(feed.read({ after: 0, run: "a" }))).toEqual([]);
  });

  it("gets one end, also from a journal that has two", async () => {
    start("a");
    finish("a");
    say("a");
    say("a");
    const feed = feedOf({ after: 4 });
    finish("a");
    await caughtUp(feed);
    expect(numbers(await collect(feed.read({ after: 0, run: "a" })))).toEqual([1, 3, 4, 5]);
  });

  it("gets what is older in pages of bounded size", async () => {
    const feed = feedOf({ ringBytes: 1_024 });
    start("a");
    for (let n = 0; n < 300; n += 1) say("a", "x".repeat(100_000));
    finish("a");
    await caughtUp(feed);
    expect(numbers(await collect(feed.read({ after: 0, run: "a" })))).toEqual(range(1, 302));
    const pages = kerneld.requests.filter((request) => request.includes("follow=0"));
    expect(pages.length).toBeGreaterThan(5);
  });

  it("passes gaps on", async () => {
    const feed = feedOf();
    start("a");
    for (let n = 0; n < 10; n += 1) say("a");
    finish("a");
    await caughtUp(feed);
    kerneld.journal.forget(5);
    const records = await collect(feed.read({ after: 0, run: "a" }));
    expect(records[0]).toMatchObject({ kind: "gap", from: 1, to: 5 });
    expect(numbers(records)).toEqual(range(5, 12));
  });

  it("is told of a gap that reaches into what is still held, and then gets what is held", async () => {
    const feed = feedOf({ ringBytes: 2_048 });
    start("a");
    for (let n = 0; n < 20; n += 1) say("a", "x".repeat(300));
    const late = feed.read({ after: 0, run: "a" });
    finish("a");
    await caughtUp(feed);
    kerneld.journal.forget(kerneld.journal.lastNumber);
    const [gap, ...held] = await collect(late);
    expect(gap).toMatchObject({ kind: "gap", from: 1 });
    expect(numbers(held)).toEqual(range((gap?.n ?? 0) + 1, 22));
    expect(held.length).toBeGreaterThan(1);
  });

  it("that is slow gets everything, once and in order, and holds up nobody", async () => {
    const feed = feedOf({ ringBytes: 64 * 1024 });
    const slow = feed.read({ after: 0, run: "a" });
    const fast = collect(feed.read({ after: 0, run: "a" }));
    start("a");
    expect((await slow.next()).value).toMatchObject({ n: 1 });
    const text = "x".repeat(10_000);
    for (let n = 0; n < 200; n += 1) say("a", text);
    expect((await slow.next()).value).toMatchObject({ n: 2 });
    for (let n = 0; n < 200; n += 1) {
      say("a", text);
      if (n % 10 === 0) await caughtUp(feed);
    }
    finish("a");
    expect(numbers(await fast)).toEqual(range(1, 402));
    expect(numbers(await collect(slow))).toEqual(range(3, 402));
    expect(kerneld.requests.some((request) => request.includes("follow=0"))).toBe(true);
  });

  it("that is slow gets everything through broken connections too", async () => {
    const feed = feedOf({ ringBytes: 16 * 1024 });
    const slow = feed.read({ after: 0, run: "a" });
    const text = "x".repeat(100_000);
    start("a");
    for (let n = 0; n < 300; n += 1) say("a", text);
    finish("a");
    await caughtUp(feed);
    const seen: number[] = [];
    for await (const { n } of slow) {
      seen.push(n);
      if (n % 100 === 0) kerneld.disconnect();
    }
    expect(seen).toEqual(range(1, 302));
  });

  it("holds no connection while its consumer does nothing", async () => {
    const feed = feedOf({ ringBytes: 1_024 });
    start("a");
    for (let n = 0; n < 300; n += 1) say("a", "x".repeat(100_000));
    await caughtUp(feed);
    const stalled = Array.from({ length: 20 }, () => feed.read({ after: 0, run: "a" }));
    await Promise.all(stalled.map((reader) => reader.next()));
    const state = await createKerneldClient(link).state();
    expect(state.last_n).toBe(301);
    for (const reader of stalled) await reader.return?.();
  });

  it("ends with its signal's reason, also while it waits", async () => {
    const feed = feedOf();
    const abort = new AbortController();
    const waiting = collect(feed.read({ after: 0, signal: abort.signal }));
    abort.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await expect(collect(feed.read({ after: 0, signal: abort.signal }))).rejects.toThrow("enough");
  });

  it("can be let go while it waits, or before it began", async () => {
    const feed = feedOf();
    const reader = feed.read({ after: 0 });
    const waiting = reader.next().catch(() => ({ done: true }));
    await reader.return?.();
    expect(await waiting).toMatchObject({ done: true });
    const unused = feed.read({ after: 0 });
    await unused.return?.();
    expect(await unused.next()).toMatchObject({ done: true });
  });

  it("fails when the feed is closed while the sandbox lives on", async () => {
    const feed = feedOf();
    const waiting = collect(feed.read({ after: 0 }));
    feed.close();
    await expect(waiting).rejects.toMatchObject({ code: "sandbox_unreachable" });
  });
});

describe("the end of a sandbox", () => {
  it("ends every run that has none, exactly once, with numbers past all others", async () => {
    const feed = feedOf({ knownRun: () => false });
    for (const run of ["a", "b", "c"]) feed.expect({ run, kernel: KERNEL });
    const all = collect(feed.read({ after: 0 }));
    const readings = ["a", "b", "c"].map((run) => collect(feed.read({ after: 0, run })));
    start("a");
    finish("a");
    start("b");
    await caughtUp(feed);
    feed.end({ status: "kernel_died", reason: "oom" });
    feed.end({ status: "cancelled", reason: "session_deleted" });
    const [a, b, c] = await Promise.all(readings);
    expect(numbers(a ?? [])).toEqual([1, 2]);
    expect(numbers(b ?? [])).toEqual([3, PAST_JOURNAL]);
    expect(numbers(c ?? [])).toEqual([PAST_JOURNAL + 1]);
    expect(b?.at(-1)).toMatchObject({ status: "kernel_died", reason: "oom", state: "lost" });
    expect(numbers(await all)).toEqual([1, 2, 3, PAST_JOURNAL, PAST_JOURNAL + 1]);
    expect(feed.ended).toBe("oom");
  });

  it("does not end a run that was refused", async () => {
    const feed = feedOf({ knownRun: () => false });
    feed.expect({ run: "a", kernel: KERNEL });
    feed.forget("a");
    const all = collect(feed.read({ after: 0 }));
    feed.end({ status: "kernel_died", reason: "oom" });
    expect(await all).toEqual([]);
  });

  it("ends a run that is only being read", async () => {
    const feed = feedOf({ knownRun: (run) => run === "a" });
    const reading = collect(feed.read({ after: 0, run: "a" }));
    feed.end({ status: "cancelled", reason: "session_deleted" });
    expect(await reading).toMatchObject([{ run: "a", status: "cancelled" }]);
  });

  it("is told to who knows of numbers that the sandbox had not sent yet", async () => {
    const feed = feedOf({ knownRun: () => false });
    feed.expect({ run: "a", kernel: KERNEL });
    const before = collect(feed.read({ after: 7, run: "a" }));
    feed.end({ status: "cancelled", reason: "session_deleted" });
    const after = collect(feed.read({ after: 8, run: "a" }));
    const end = [{ n: PAST_JOURNAL, run: "a", status: "cancelled" }];
    expect(await before).toMatchObject(end);
    expect(await after).toMatchObject(end);
  });

  it("leaves a gap, and the run's end, to a reader whose records went with it", async () => {
    const feed = feedOf({ ringBytes: 1_024 });
    const slow = feed.read({ after: 0, run: "a" });
    start("a");
    expect((await slow.next()).value).toMatchObject({ n: 1 });
    for (let n = 0; n < 50; n += 1) say("a", "x".repeat(1_000));
    finish("a");
    await caughtUp(feed);
    say("b", "x".repeat(2_000));
    await caughtUp(feed);
    kerneld.close();
    feed.end({ status: "kernel_died", reason: "sandbox_lost" });
    await link.close();
    const rest = await collect(slow);
    expect(rest).toMatchObject([
      { kind: "gap", from: 2, to: 51, n: 51, reason: "sandbox_lost" },
      { n: 52, event: "execution_finished", status: "ok" },
    ]);
  });

  it("still answers who asks afterwards", async () => {
    const feed = feedOf();
    feed.expect({ run: "a", kernel: KERNEL });
    start("a");
    await caughtUp(feed);
    feed.end({ status: "kernel_died", reason: "oom" });
    const records = await collect(feed.read({ after: 0, run: "a" }));
    expect(records.at(-1)).toMatchObject({ n: PAST_JOURNAL, event: "execution_finished" });
    expect(await collect(feed.read({ after: PAST_JOURNAL, run: "a" }))).toEqual([]);
    expect(feed.terminal("a")).toMatchObject({ n: PAST_JOURNAL, reason: "oom" });
  });
});

describe("memory", () => {
  it("holds no more than the ring for a reader that never comes back", async () => {
    const feed = feedOf({ ringBytes: 1024 * 1024 });
    const stalled = feed.read({ after: 0 });
    const text = "x".repeat(250_000);
    const frame = encodeFrame(messageHead(1, { content: { name: "stdout", text } }));
    global.gc?.();
    const before = process.memoryUsage().rss;
    for (let n = 0; n < 400; n += 1) {
      say("a", text);
      if (n % 20 === 0) {
        await caughtUp(feed);
        // The double's own journal is not what is measured.
        kerneld.journal.forget(kerneld.journal.lastNumber);
      }
    }
    await caughtUp(feed);
    expect(process.memoryUsage().rss - before).toBeLessThan(frame.length * 300);
    await stalled.return?.();
  });
});
