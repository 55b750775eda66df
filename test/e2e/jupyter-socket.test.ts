import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { WebSocket } from "ws";
import { decodeDefault } from "../../src/kernels/websocket-default.js";
import { V1_PROTOCOL, decodeV1, encodeV1 } from "../../src/kernels/websocket-v1.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";

let gateway: GatewayProcess;
let session: string;
let kernel: string;
beforeAll(async () => {
  gateway = await startGatewayProcess();
  session = await gateway.session();
  kernel = await newKernel();
});
afterAll(() => gateway.close());

async function newKernel(): Promise<string> {
  const response = await gateway.call("POST", `/v1/sessions/${session}/jupyter/api/kernels`, {});
  return ((await response.json()) as { id: string }).id;
}

interface Received {
  channel: string;
  type: string;
  header: Record<string, unknown>;
  parent: Record<string, unknown>;
  content: Record<string, unknown>;
  /** The content as it was on the wire. */
  raw: string;
  buffers: Buffer[];
}

interface ClientOptions {
  kernel?: string;
  sessionId?: string | undefined;
  v1?: boolean;
  query?: string;
  headers?: Record<string, string>;
}

/** A Jupyter client by hand. */
class Client {
  readonly received: Received[] = [];
  readonly frames: { data: Buffer; binary: boolean }[] = [];
  readonly #waiting = new Set<() => void>();
  readonly closed: Promise<{ code: number; reason: string }>;

  private constructor(
    readonly socket: WebSocket,
    private readonly v1: boolean,
  ) {
    this.closed = once(socket, "close").then(([code, reason]) => ({
      code: code as number,
      reason: String(reason),
    }));
    socket.on("error", () => undefined);
    socket.on("message", (data: Buffer, binary: boolean) => {
      this.frames.push({ data, binary });
      const { channel, parts } = v1 ? decodeV1(data) : decodeDefault(data, binary);
      const [header, parent, , content, ...buffers] = parts;
      const parse = (part: Buffer | undefined) =>
        JSON.parse(String(part).replace(/\bNaN\b/g, "null")) as Record<string, unknown>;
      const read = { header: parse(header), parent: parse(parent), content: parse(content) };
      const type = String(read.header["msg_type"]);
      this.received.push({ ...read, channel, type, raw: String(content), buffers });
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    });
  }

  static url(options: ClientOptions): string {
    const query = new URLSearchParams(options.query);
    if (options.sessionId !== undefined) query.set("session_id", options.sessionId);
    const path = `/v1/sessions/${session}/jupyter/api/kernels/${options.kernel ?? kernel}/channels`;
    return `${gateway.url.replace("http", "ws")}${path}?${query.toString()}`;
  }

  static async open(options: ClientOptions = {}): Promise<Client> {
    const { v1 = true } = options;
    const socket = new WebSocket(Client.url(options), v1 ? [V1_PROTOCOL] : [], {
      headers: { authorization: `token ${gateway.key}`, ...options.headers },
    });
    const client = new Client(socket, v1);
    await once(socket, "open");
    return client;
  }

  async until(fits: (message: Received) => boolean): Promise<Received> {
    for (;;) {
      const found = this.received.find(fits);
      if (found) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Sends a message and returns its id. */
  send(
    type: string,
    content: object | string,
    options: { id?: string; channel?: string; buffers?: Buffer[] } = {},
  ): string {
    const { id = randomUUID(), channel = "shell", buffers = [] } = options;
    const head = {
      msg_id: id,
      msg_type: type,
      session: "hand",
      username: "",
      version: "5.4",
    };
    const text = typeof content === "string" ? content : JSON.stringify(content);
    const parts = [JSON.stringify(head), "{}", "{}", text].map((part) => Buffer.from(part));
    if (this.v1) this.socket.send(encodeV1({ channel, parts: [...parts, ...buffers] }));
    else {
      const [head, parent, metadata, body] = parts.map(String);
      this.socket.send(
        `{"channel":"${channel}","header":${head},"parent_header":${parent},"metadata":${metadata},"content":${body}}`,
      );
    }
    return id;
  }

  execute(code: string, options: object = {}): string {
    return this.send("execute_request", { code, silent: false, allow_stdin: false, ...options });
  }

  /** The reply to a request. */
  reply(id: string): Promise<Received> {
    return this.until(({ parent, channel }) => parent["msg_id"] === id && channel !== "iopub");
  }

  idle(id: string): Promise<Received> {
    return this.until(
      ({ type, parent, content }) =>
        parent["msg_id"] === id && type === "status" && content["execution_state"] === "idle",
    );
  }

  text(id?: string): string {
    return this.received
      .filter(
        ({ type, parent }) => type === "stream" && (id === undefined || parent["msg_id"] === id),
      )
      .map(({ content }) => String(content["text"]))
      .join("");
  }

  async run(code: string): Promise<Received> {
    const id = this.execute(code);
    const [reply] = await Promise.all([this.reply(id), this.idle(id)]);
    return reply;
  }

  async close(): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }
}

async function refusal(
  options: ClientOptions,
  headers: Record<string, string> = {},
): Promise<number> {
  const socket = new WebSocket(Client.url(options), {
    headers: { authorization: `token ${gateway.key}`, ...headers },
  });
  socket.on("error", () => undefined);
  const [, response] = (await once(socket, "unexpected-response")) as [
    unknown,
    { statusCode: number },
  ];
  socket.terminate();
  return response.statusCode;
}

describe("a Jupyter WebSocket", () => {
  it("speaks the v1 protocol where it is offered, and the default one otherwise", async () => {
    const one = await Client.open({ sessionId: "one" });
    const two = await Client.open({ sessionId: "two", v1: false });
    expect([one.socket.protocol, two.socket.protocol]).toEqual([V1_PROTOCOL, ""]);
    const id = two.execute("print('both'); 1");
    expect((await two.reply(id)).content).toMatchObject({ status: "ok" });
    await Promise.all([one.idle(id), two.idle(id)]);
    expect([one.text(id), two.text(id)]).toEqual(["both\n", "both\n"]);
    expect(one.received.some(({ type }) => type === "execute_reply")).toBe(false);
    const stream = two.frames.map(
      ({ data }) => JSON.parse(data.toString()) as Record<string, unknown>,
    );
    expect(stream).toContainEqual(
      expect.objectContaining({
        msg_type: "stream",
        msg_id: expect.any(String) as string,
        channel: "iopub",
        buffers: [],
      }),
    );
    await Promise.all([one.close(), two.close()]);
  });

  it("passes bytes on as they are: big integers, NaN and the order of keys", async () => {
    const client = await Client.open({ sessionId: "bytes" });
    await client.run(`
def opened(comm, message):
    kernel = get_ipython().kernel
    kernel.iopub_socket.send_multipart([b"x", b"<IDS|MSG>", b"",
      b'{"msg_id":"odd","msg_type":"odd_message","session":"s","username":"","date":"","version":"5.4"}',
      b"{}", b"{}", b'{"z":123456789012345678901234567890,"a":NaN, "b":1.0}', b"\\x00\\xff"])
get_ipython().kernel.comm_manager.register_target("odd", opened)`);
    client.send("comm_open", '{"comm_id":"c","target_name":"odd","data":{"big":9007199254740993}}');
    const odd = await client.until(({ type }) => type === "odd_message");
    expect(odd.raw).toBe('{"z":123456789012345678901234567890,"a":NaN, "b":1.0}');
    expect(odd.buffers).toEqual([Buffer.from([0, 255])]);
    await client.close();
  });

  it("keeps buffers from clients that take every frame for text", async () => {
    const client = await Client.open({
      sessionId: "tornado",
      v1: false,
      headers: { "user-agent": "Tornado/6.5" },
    });
    await client.run(`
from comm import create_comm
comm = create_comm(target_name="none", data={"x": 1}, buffers=[b"12345"])`);
    const open = await client.until(({ type }) => type === "comm_open");
    expect(open.content["data"]).toEqual({ x: 1 });
    expect(client.frames.every(({ binary }) => !binary)).toBe(true);
    const frame = client.frames.find(({ data }) => data.includes('"comm_open"'));
    expect(JSON.parse(String(frame?.data))).toMatchObject({
      buffers: [],
      dropped_buffer_bytes: [5],
    });
    await client.close();
  });

  it("refuses what is not there before the upgrade", async () => {
    expect(await refusal({ kernel: randomUUID() })).toBe(404);
    expect(await refusal({ kernel: "nonsense" })).toBe(404);
    expect(await refusal({}, { authorization: "token wrong" })).toBe(401);
    expect(await refusal({}, { origin: "http://elsewhere.example" })).toBe(403);
    expect(await refusal({ sessionId: "x".repeat(300) })).toBe(400);
  });

  it("takes the key from the address", async () => {
    const url = `${Client.url({ sessionId: "token" })}&token=${gateway.key}`;
    const socket = new WebSocket(url, [V1_PROTOCOL]);
    await once(socket, "open");
    socket.terminate();
  });

  it("of a session_id that is there already takes the other's place", async () => {
    const older = await Client.open({ sessionId: "same" });
    await older.run("1");
    const newer = await Client.open({ sessionId: "same" });
    expect(await older.closed).toMatchObject({ code: 4409 });
    expect((await newer.run("1")).content).toMatchObject({ status: "ok" });
    await newer.close();
  });

  it.each([
    [
      "a wrong channel",
      (client: Client) => client.send("execute_request", {}, { channel: "iopub" }),
    ],
    ["no channel", (client: Client) => client.send("execute_request", {}, { channel: "" })],
    ["a frame of nothing", (client: Client) => client.socket.send(Buffer.alloc(0))],
    [
      "a truncated frame",
      (client: Client) => client.socket.send(encodeV1({ channel: "shell", parts: [] })),
    ],
    ["offsets that lead out", (client: Client) => client.socket.send(Buffer.alloc(64, 7))],
    ["a text frame", (client: Client) => client.socket.send("{}")],
    ["JSON that is none", (client: Client) => client.send("comm_msg", '{"comm_id":')],
    ["JSON that is no object", (client: Client) => client.send("comm_msg", "[1]")],
    [
      "an id of kerneld's",
      (client: Client) => client.send("execute_request", {}, { id: "kerneld:info" }),
    ],
    ["an id that is none", (client: Client) => client.send("execute_request", {}, { id: "ü" })],
    ["a type that is none", (client: Client) => client.send("a b", {})],
  ])("closes on %s and says why, and others go on", async (_, misbehave) => {
    const other = await Client.open({ sessionId: "well-behaved" });
    const client = await Client.open({ sessionId: "misbehaving" });
    misbehave(client);
    const { code, reason } = await client.closed;
    expect({ code, reason }).toEqual({
      code: 4400,
      reason: expect.stringMatching(/^invalid_(message|request): \S/) as string,
    });
    expect((await other.run("1")).content).toMatchObject({ status: "ok" });
    await other.close();
  });

  it("closes with 1009 on a message that is too large", async () => {
    const client = await Client.open({ sessionId: "large" });
    client.send(
      "comm_msg",
      { comm_id: "x", data: {} },
      { buffers: [Buffer.alloc(17 * 1024 * 1024)] },
    );
    expect(await client.closed).toMatchObject({ code: 1009 });
  });

  it("does not run a message twice", async () => {
    const client = await Client.open({ sessionId: "twice" });
    await client.run("count = 0");
    const id = client.execute("count += 1");
    await client.idle(id);
    client.send("execute_request", { code: "count += 1" }, { id });
    await client.until(({ content }) => content["ename"] === "DuplicateMessage");
    expect((await client.run("assert count == 1")).content).toMatchObject({ status: "ok" });
    await client.close();
  });

  it("runs code whose id is another run's under another id", async () => {
    await gateway.execute(session, "1", { execution_id: "taken" });
    const client = await Client.open({ sessionId: "taken" });
    client.send("execute_request", { code: "print('ran')" }, { id: "taken" });
    expect((await client.reply("taken")).content).toMatchObject({ status: "ok" });
    await client.idle("taken");
    expect(client.text("taken")).toBe("ran\n");
    await client.close();
  });

  it("makes a run of each execute_request, of its id", async () => {
    const client = await Client.open({ sessionId: "run" });
    const id = client.execute("print('a run')");
    await client.idle(id);
    const response = await gateway.call("GET", `/v1/sessions/${session}/executions/${id}`);
    expect(await response.json()).toMatchObject({ status: "ok", text: "a run\n" });
    await client.close();
  });

  it("gives unknown message types to the kernel, which says busy and idle", async () => {
    const client = await Client.open({ sessionId: "unknown" });
    await client.idle(client.send("strange_request", {}));
    await client.idle(client.send("debug_request", {}, { channel: "control" }));
    const info = client.send("kernel_info_request", {}, { channel: "control" });
    expect(await client.reply(info)).toMatchObject({
      channel: "control",
      type: "kernel_info_reply",
    });
    await client.close();
  });

  it("tells what the kernel uses, also while it computes", async () => {
    const client = await Client.open();
    const busy = client.execute("print('on', flush=True)\nwhile True: pass");
    await client.until(({ type, parent }) => type === "stream" && parent["msg_id"] === busy);
    const usage = await client.reply(client.send("usage_request", {}, { channel: "control" }));
    expect(usage).toMatchObject({ channel: "control", type: "usage_reply" });
    expect(usage.content).toMatchObject({
      status: "ok",
      pid: expect.any(Number) as number,
      kernel_memory: expect.any(Number) as number,
      host_virtual_memory: { total: expect.any(Number) as number },
    });
    expect(usage.content["kernel_memory"]).toBeGreaterThan(1024 * 1024);
    client.send("interrupt_request", {}, { channel: "control" });
    await client.idle(busy);
    client.socket.close();
  });

  it("interrupts by a message on control", async () => {
    const client = await Client.open({ sessionId: "interrupt" });
    const id = client.execute("print('in')\nimport time\ntime.sleep(60)");
    await client.until(({ type }) => type === "stream");
    const asked = client.send("interrupt_request", {}, { channel: "control" });
    expect(await client.reply(asked)).toMatchObject({ type: "interrupt_reply" });
    expect((await client.reply(id)).content).toMatchObject({ ename: "KeyboardInterrupt" });
    await client.close();
  });

  it("says why the kernel died, in the kernel's name, and that it is restarted", async () => {
    const client = await Client.open({ sessionId: "death" });
    const before = (await client.run("1")).header["session"];
    const id = client.execute("import os; os._exit(3)");
    expect((await client.reply(id)).content).toMatchObject({
      status: "error",
      ename: "KernelDied",
    });
    const restarting = await client.until(
      ({ content }) => content["execution_state"] === "restarting",
    );
    expect(restarting.header["session"]).toBe(before);
    const after = await client.run("1");
    expect(after.content).toMatchObject({ status: "ok", execution_count: 1 });
    expect(after.header["session"]).not.toBe(before);
    await client.close();
  });

  it("closes with 1000 when a client has shut the kernel down, which is gone then", async () => {
    const own = await newKernel();
    const one = await Client.open({ kernel: own, sessionId: "one" });
    const two = await Client.open({ kernel: own, sessionId: "two" });
    const asked = one.send("shutdown_request", { restart: false }, { channel: "control" });
    expect((await one.reply(asked)).content).toEqual({ status: "ok", restart: false });
    expect(await Promise.all([one.closed, two.closed])).toMatchObject([
      { code: 1000 },
      { code: 1000 },
    ]);
    expect(two.received.at(-1)?.content).toEqual({ execution_state: "dead" });
    const response = await gateway.call(
      "GET",
      `/v1/sessions/${session}/jupyter/api/kernels/${own}`,
    );
    expect(response.status).toBe(404);
  });
});

describe("what a client missed", () => {
  /** Code that prints `text` when the file is there. */
  const waiting = (file: string, print: string) =>
    `import os, time\nprint("ready", flush=True)\nwhile not os.path.exists("${file}"): time.sleep(0.01)\n${print}`;
  const release = (file: string) =>
    gateway.call("PUT", `/v1/sessions/${session}/files/${file}`, "");

  async function interrupted(sessionId: string, file: string, print: string): Promise<string> {
    const client = await Client.open({ sessionId });
    const id = client.execute(waiting(file, print));
    await client.until(({ type }) => type === "stream");
    await client.close();
    const about = `/v1/sessions/${session}/jupyter/api/kernels/${kernel}`;
    await vi.waitUntil(async () => {
      const model = (await (await gateway.call("GET", about)).json()) as { connections: number };
      return model.connections === 0;
    });
    await release(file);
    await gateway.events(session, "pass", { kernel });
    return id;
  }

  it("comes once, with the reply, to the same session_id", async () => {
    const id = await interrupted("back", "go-1", "print('meanwhile')");
    const again = await Client.open({ sessionId: "back" });
    expect((await again.reply(id)).content).toMatchObject({ status: "ok" });
    await again.idle(id);
    expect(again.text(id)).toBe("meanwhile\n");
    await again.close();
    const third = await Client.open({ sessionId: "back" });
    await third.run("1");
    expect(third.text(id)).toBe("");
    await third.close();
  });

  it("is gone when another came first", async () => {
    const id = await interrupted("first", "go-2", "print('meanwhile')");
    const second = await Client.open({ sessionId: "second" });
    await second.run("1");
    await second.close();
    const again = await Client.open({ sessionId: "first" });
    await again.run("1");
    expect(again.text(id)).toBe("");
    await again.close();
  });

  it("is bounded: the oldest output is left out, which is said, and the reply is there", async () => {
    const id = await interrupted(
      "much",
      "go-3",
      "for i in range(12): print(chr(65 + i) * 1_000_000)",
    );
    const again = await Client.open({ sessionId: "much" });
    expect((await again.reply(id)).content).toMatchObject({ status: "ok" });
    await again.idle(id);
    const [note] = again.received.filter(({ type }) => type === "stream");
    expect(note?.content).toMatchObject({ name: "stderr" });
    expect(note?.content["text"]).toMatch(/^\[\d{7,8} bytes were dropped/);
    expect(again.text(id)).toMatch(/L{1000000}\n$/);
    expect(again.text(id).length).toBeLessThan(5_000_000);
    await again.close();
  });
});

describe("a client that never reads", () => {
  it("is let go, and neither the kernel nor others wait for it", async () => {
    const slow = await Client.open({ sessionId: "slow" });
    await slow.run("1");
    slow.socket.pause();
    const other = await Client.open({ sessionId: "quick" });
    const id = other.execute("for i in range(120): print('x' * 1_000_000)");
    expect((await other.reply(id)).content).toMatchObject({ status: "ok" });
    await other.idle(id);
    expect(other.text(id).length).toBe(120 * 1_000_001);
    slow.socket.resume();
    expect((await slow.closed).code).toBeOneOf([1006, 1013]);
    await other.close();
  });
});
