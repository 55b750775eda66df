import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { ExecutionEvent, Session } from "../../src/client/index.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";

const MIB = 1024 * 1024;

let gateway: GatewayProcess;
let session: Session;
beforeAll(async () => {
  gateway = await startGatewayProcess();
  session = await gateway.client.session({ limits: { memory_bytes: 2048 * MIB } });
  await session.run("1");
});
afterAll(async () => gateway.close());

/** The most memory that the gateway's process has had since this was last asked. */
async function peakOf({ process: { pid } }: GatewayProcess): Promise<number> {
  const status = await readFile(`/proc/${pid ?? 0}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

/** Samples the gateway's memory while something is done; returns how far it rose above where it was. */
async function riseDuring(work: () => Promise<void>): Promise<number> {
  const before = await peakOf(gateway);
  let most = before;
  const sampling = setInterval(() => {
    void peakOf(gateway).then((now) => (most = Math.max(most, now)));
  }, 50);
  try {
    await work();
  } finally {
    clearInterval(sampling);
  }
  return (most - before) / MIB;
}

interface Tally {
  events: number;
  characters: number;
  last: ExecutionEvent | undefined;
  ordered: boolean;
  /** Each event's number, and what gaps count. */
  kept: { n: number; from?: number }[];
}

async function tally(events: AsyncIterable<ExecutionEvent>): Promise<Tally> {
  const all: Tally = { events: 0, characters: 0, last: undefined, ordered: true, kept: [] };
  for await (const event of events) {
    all.events += 1;
    all.kept.push(event.type === "gap" ? { n: event.n, from: event.from } : { n: event.n });
    if (event.type === "stream") all.characters += event.text.length;
    if (event.n <= (all.last?.n ?? 0)) all.ordered = false;
    all.last = event;
  }
  return all;
}

describe("a flood", () => {
  it("of 1e5 flushed prints comes whole, streamed and gathered", async () => {
    const code = "for i in range(100_000):\n    print(i, flush=True)";
    const characters = 588_890;
    const rise = await riseDuring(async () => {
      const all = await tally(session.stream(code));
      expect(all).toMatchObject({ characters, ordered: true, last: { status: "ok" } });
      const { outputs } = await session.run(code);
      expect(outputs).toHaveLength(1);
      expect((outputs[0] as { text: string }).text).toHaveLength(characters);
    });
    expect(rise).toBeLessThan(300);
  });

  it("of a gibibyte is cut in the middle, counted and said", async () => {
    const rise = await riseDuring(async () => {
      const code =
        "line = 'x' * 1023 + '\\n'\nfor i in range(1024):\n    print(line * 1024, end='')";
      const result = await session.run(code, { timeout_s: 600 });
      expect(result).toMatchObject({
        status: "ok",
        output: { stdout_bytes: 1024 * MIB, truncated: true },
      });
      expect(JSON.stringify(result).length).toBeLessThan(4 * MIB);
      expect(result.text).toMatch(/left out/);
    });
    expect(rise).toBeLessThan(300);
  });

  it("of 1e5 display updates ends in the last one, gathered", async () => {
    const own = "from IPython.display import display\nh = display('begin', display_id='d')\n";
    const rise = await riseDuring(async () => {
      const result = await session.run(`${own}for i in range(100_000):\n    h.update(i)`, {
        timeout_s: 600,
      });
      expect(result).toMatchObject({ status: "ok" });
      expect(result.outputs).toMatchObject([{ data: { "text/plain": "99999" } }]);
    });
    expect(rise).toBeLessThan(300);
  });

  it("of one MIME value of 20 MB goes by as an artifact", async () => {
    const code =
      "from IPython.display import display\n" +
      "display({'application/octet-stream': 'x' * 20_000_000, 'text/plain': 'large'}, raw=True)";
    const rise = await riseDuring(async () => {
      const execution = session.stream(code);
      let href = "";
      for await (const event of execution) {
        if (event.type !== "display_data") continue;
        expect(event.data).toEqual({ "text/plain": "large" });
        const { hotcell } = event.metadata as {
          hotcell: { artifacts: { href: string; bytes: number }[] };
        };
        expect(hotcell.artifacts).toMatchObject([{ bytes: 20_000_000 }]);
        href = hotcell.artifacts[0]?.href ?? "";
      }
      const bytes = await execution.artifact(href);
      expect(bytes.length).toBe(20_000_000);
    });
    expect(rise).toBeLessThan(300);
  });

  it("of one MIME value of 200 MB is replaced by what it was", async () => {
    const code =
      "from IPython.display import display\n" +
      "display({'image/png': 'x' * 200_000_000, 'text/plain': 'huge'}, raw=True)";
    const rise = await riseDuring(async () => {
      const result = await session.run(code);
      expect(result).toMatchObject({ status: "ok" });
      expect(JSON.stringify(result.outputs)).toMatch(/image\/png of 200000002 bytes left out/);
    });
    expect(rise).toBeLessThan(300);
  });

  it("of a traceback of a mebibyte is cut", async () => {
    const result = await session.run("raise ValueError('x' * (1 << 20))");
    expect(result).toMatchObject({ status: "error", outputs: [{ ename: "ValueError" }] });
    const { evalue } = result.outputs[0] as { evalue: string };
    expect(evalue.length).toBeGreaterThan(60_000);
    expect(JSON.stringify(result).length).toBeLessThan(2 * MIB);
    expect(result.text.length).toBeLessThan(MIB);
  });
});

/** Whether every number of a run that was alone came once, or is counted by a gap. */
function expectWhole(events: { n: number; from?: number }[], last: number | undefined): void {
  let next = events[0]?.n ?? NaN;
  for (const { n, from } of events) {
    expect(from ?? n).toBe(next);
    next = n + 1;
  }
  expect(next - 1).toBe(last);
}

describe("clients that take nothing", () => {
  it("cost the gateway little, hold up neither the kernel nor others, and get it all later", async () => {
    const code = "for i in range(200):\n    print(i, 'x' * 250_000, flush=True)";
    const options = { max_output_bytes: 200 * MIB, timeout_s: 600 };
    const authorization = `Bearer ${gateway.key}`;
    const stuck: IncomingMessage[] = [];
    const sockets: WebSocket[] = [];
    let all: Tally | undefined;
    const rise = await riseDuring(async () => {
      const execution = session.stream(code, { ...options, execution_id: "flood" });
      await execution.accepted();
      const path = `/v1/sessions/${session.id}/executions/flood/events`;
      for (let index = 0; index < 10; index += 1) {
        const asking = request(gateway.url + path, { headers: { authorization }, agent: false });
        asking.end();
        stuck.push(((await once(asking, "response")) as [IncomingMessage])[0]);
        const url = `${gateway.url.replace("http", "ws")}/v1/sessions/${session.id}/stream`;
        const socket = new WebSocket(url, { headers: { authorization } });
        await once(socket, "open");
        socket.send(JSON.stringify({ op: "resume", ref: "r", execution_id: "flood" }));
        socket.pause();
        sockets.push(socket);
      }
      all = await tally(execution);
    });
    expect(all).toMatchObject({ ordered: true, last: { status: "ok" } });
    expect(rise).toBeLessThan(400);
    for (const socket of sockets) socket.terminate();
    for (const response of stuck.slice(1)) response.destroy();
    const chunks: Buffer[] = [];
    for await (const chunk of stuck[0] as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const had = Array.from(text.matchAll(/^data: (.*)$/gm), ([, data = ""]) => {
      return JSON.parse(data) as ExecutionEvent;
    });
    expectWhole(had, all?.last?.n);
    expectWhole(all?.kept ?? [], all?.last?.n);
    expect(text).toContain("event: execution_finished");
  });
});
