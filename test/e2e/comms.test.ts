import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommMessage, Session, SessionEvent } from "../../src/client/index.js";
import { SocketClient } from "./socket-client.js";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";

describe("comms", () => {
  let gateway: GatewayProcess;
  let session: string;

  beforeAll(async () => {
    gateway = await startGatewayProcess();
    session = await gateway.session();
  });
  afterAll(async () => gateway.close());

  const said = async (code: string) => {
    const events = await gateway.events(session, `from comm import create_comm\n${code}`);
    expect(events.at(-1)).toMatchObject({ type: "execution_finished", status: "ok" });
    return events.filter(({ type }) => type.startsWith("comm_"));
  };

  it("are events of the execution, with their buffers", async () => {
    const code = `
c = create_comm(target_name="of.mine", data={"a": 1}, metadata={"m": 2}, buffers=[b"\\x00\\xff", memoryview(b"")])
c.send({"b": "é"}, buffers=[bytes(range(256)) * 4096])
c.send({"without": True})
c.close({"c": 3})`;
    const events = await said(code);
    const comm_id = expect.stringMatching(/^[0-9a-f]{32}$/) as string;
    const megabyte = Buffer.concat(
      Array.from({ length: 4096 }, () => Buffer.from(Array.from({ length: 256 }, (_, n) => n))),
    );
    expect(events).toMatchObject([
      {
        ...{ type: "comm_open", comm_id, target_name: "of.mine", data: { a: 1 } },
        ...{ metadata: { m: 2 }, buffers: ["AP8=", ""] },
      },
      { type: "comm_msg", data: { b: "é" }, buffers: [megabyte.toString("base64")] },
      { type: "comm_msg", data: { without: true } },
      { type: "comm_close", data: { c: 3 } },
    ]);
    expect(events[2]).not.toHaveProperty("buffers");
  });

  it("say how many buffers there were where they are too much", async () => {
    const [open] = await said(
      `create_comm(target_name="t", data={"a": 1}, buffers=[b"small", bytes(5_000_000)])`,
    );
    expect(open).toMatchObject({ type: "comm_open", data: { a: 1 }, dropped_buffers: 2 });
    expect(open).not.toHaveProperty("buffers");
    const [many] = await said(`create_comm(target_name="t", buffers=[b"x"] * 300)`);
    expect(many).toMatchObject({ dropped_buffers: 300 });
  });
});

describe("comm messages to a kernel", () => {
  let gateway: GatewayProcess;
  let session: Session;
  let kernel: string;
  let events: AsyncIterator<SessionEvent, void, undefined>;
  let socket: SocketClient;

  const NO_KERNEL = "5e0e5d9f-5d6b-4a48-9b1c-111111111111";

  /** Says back what it hears, and remembers it. */
  const ECHO = `
import hashlib, os, time
heard = []
def opened(comm, message):
    def received(message):
        data, buffers = message["content"]["data"], message["buffers"]
        heard.append(data.get("say"))
        if data.get("digest"):
            comm.send({"sha256": [hashlib.sha256(buffer).hexdigest() for buffer in buffers]})
        else:
            comm.send({"echo": data}, metadata=message["metadata"], buffers=buffers)
    comm.on_msg(received)
    comm.on_close(lambda message: print("closed", message["content"]["data"], flush=True))
    comm.send({"opened": message["content"]["data"]}, buffers=message["buffers"])
get_ipython().kernel.comm_manager.register_target("echo", opened)`;

  beforeAll(async () => {
    gateway = await startGatewayProcess();
    session = await gateway.client.session();
    kernel = session.view.kernels[0]?.id ?? "";
    expect(await session.run(ECHO)).toMatchObject({ status: "ok" });
    events = session.events()[Symbol.asyncIterator]();
    await until(({ type }) => type === "following");
    socket = await SocketClient.open(gateway, session.id);
  });
  afterAll(async () => {
    socket.close();
    await events.return?.();
    await gateway.close();
  });

  async function until(fits: (event: SessionEvent) => boolean): Promise<SessionEvent> {
    for (;;) {
      const { done, value } = await events.next();
      if (done === true) throw new Error("the events have ended");
      if (fits(value)) return value;
    }
  }
  /** The next word of a comm. */
  const word = (comm_id: string) =>
    until((event) => event.type === "comm_msg" && event.comm_id === comm_id);
  const open = async (comm_id: string): Promise<void> => {
    await session.kernels.comm(kernel, { type: "comm_open", comm_id, target_name: "echo" });
    expect(await word(comm_id)).toMatchObject({ data: { opened: {} } });
  };
  const path = (id = kernel) => `/v1/sessions/${session.id}/kernels/${id}/comm`;

  it("open a comm, and are answered on the session's stream, with their buffers", async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    const buffers = [bytes.toString("base64"), "", Buffer.alloc(1_000_003, 7).toString("base64")];
    const opening = {
      ...{ type: "comm_open", comm_id: "one", target_name: "echo" },
      ...{ data: { a: [1, { é: null }] }, buffers: ["AP8="] },
    };
    expect((await gateway.call("POST", path(), opening)).status).toBe(204);
    expect(await word("one")).toMatchObject({
      data: { opened: { a: [1, { é: null }] } },
      buffers: ["AP8="],
    });
    const message = { type: "comm_msg", comm_id: "one", data: { b: 2 }, metadata: { m: "x" } };
    expect((await gateway.call("POST", path(), { ...message, buffers })).status).toBe(204);
    expect(await word("one")).toMatchObject({
      execution_id: null,
      kernel_id: kernel,
      data: { echo: { b: 2 } },
      metadata: { m: "x" },
      buffers,
    });
    const closing = { type: "comm_close", comm_id: "one", data: { bye: 1 } };
    expect((await gateway.call("POST", path(), closing)).status).toBe(204);
    await until((event) => event.type === "stream" && event.text.includes("closed {'bye': 1}"));
  });

  it("are refused by the kernel where nobody has registered the target", async () => {
    const comm_id = "nowhere";
    await session.kernels.comm(kernel, { type: "comm_open", comm_id, target_name: "no.such" });
    await until((event) => event.type === "comm_close" && event.comm_id === comm_id);
  });

  it("may have megabytes", async () => {
    await open("large");
    const large = Buffer.alloc(5_000_000, "0123456789");
    await session.kernels.comm(kernel, {
      ...{ type: "comm_msg", comm_id: "large", data: { digest: true } },
      buffers: [large.toString("base64")],
    });
    const digest = createHash("sha256").update(large).digest("hex");
    expect(await word("large")).toMatchObject({ data: { sha256: [digest] } });
  });

  it("go over the WebSocket, too, in their order", async () => {
    socket.send({ op: "resume", ref: "all" });
    await socket.until(({ ref, type }) => ref === "all" && type === "following");
    const message = { op: "comm", comm_id: "two" };
    const opening = { ...message, type: "comm_open", target_name: "echo", kernel };
    socket.send({ ...opening, ref: "open", data: { a: 1 }, buffers: ["AA=="] });
    for (let n = 0; n < 50; n += 1) {
      const ref = `m${n}`;
      socket.send({ ...message, type: "comm_msg", ref, data: { n }, buffers: ["AP8=", ""] });
    }
    const said = () => socket.of("all").filter(({ comm_id }) => comm_id === "two");
    await socket.until(
      ({ comm_id, data }) => comm_id === "two" && (data as { echo?: { n: number } }).echo?.n === 49,
    );
    expect(said()[0]).toMatchObject({ data: { opened: { a: 1 } }, buffers: ["AA=="] });
    expect(said().slice(1)).toEqual(
      Array.from(
        { length: 50 },
        (_, n) =>
          expect.objectContaining({ data: { echo: { n } }, buffers: ["AP8=", ""] }) as object,
      ),
    );
    for (const ref of ["open", "m49"]) {
      await socket.until((message) => message.ref === ref);
      expect(socket.of(ref)).toEqual([{ type: "comm_accepted", ref }]);
    }
  });

  describe("to a busy kernel", () => {
    const say = (comm_id: string, word: string): CommMessage => ({
      ...{ type: "comm_msg", comm_id, data: { say: word } },
    });
    /** An execution that goes on until it is let go. */
    const busy = async (name: string, end = "") => {
      const code = `
heard.append("${name}")
print("on", flush=True)
while not os.path.exists("/tmp/${name}"): time.sleep(0.01)
${end}`;
      const execution = session.stream(code, { stop_on_error: true });
      for await (const event of execution) if (event.type === "stream") break;
      return {
        execution,
        letGo: () => gateway.execute(session.id, `open("/tmp/${name}", "w")`, { kernel: other }),
      };
    };
    let other: string;
    beforeAll(async () => {
      other = (await session.kernels.create({ language: "python" })).id;
    });

    const queued = async (code: string) => {
      const execution = session.stream(code);
      await execution.accepted();
      return execution;
    };

    it("are handled after what was to be executed before, and before what came after", async () => {
      await open("order");
      await session.run("heard.clear()");
      const { execution, letGo } = await busy("order");
      await session.kernels.comm(kernel, say("order", "early"));
      const second = await queued("heard.append('second')");
      await session.kernels.comm(kernel, say("order", "late"));
      const third = await queued("heard.append('third')");
      await letGo();
      expect(await execution.result()).toMatchObject({ status: "ok" });
      expect(await second.result()).toMatchObject({ status: "ok" });
      expect(await third.result()).toMatchObject({ status: "ok" });
      const { text } = await session.run("heard");
      expect(text).toBe("['order', 'early', 'second', 'late', 'third']");
    });

    it("are handled where what they waited for was cancelled, or aborted by an error", async () => {
      await open("cancelled");
      await session.run("heard.clear()");
      const { execution, letGo } = await busy("failing", "1/0");
      const first = await queued("heard.append('first')");
      await session.kernels.comm(kernel, say("cancelled", "behind the cancelled"));
      await first.cancel();
      const second = await queued("heard.append('second')");
      await session.kernels.comm(kernel, say("cancelled", "behind the aborted"));
      await letGo();
      expect(await execution.result()).toMatchObject({ status: "error" });
      expect(await second.result()).toMatchObject({ status: "cancelled", reason: "aborted" });
      const { text } = await session.run("heard");
      expect(text).toBe("['failing', 'behind the cancelled', 'behind the aborted']");
    });

    it("are refused when too many wait, and those before are handled", async () => {
      await open("many");
      await session.run("heard.clear()");
      const { execution, letGo } = await busy("many");
      for (let n = 0; n < 256; n += 1) await session.kernels.comm(kernel, say("many", String(n)));
      await expect(session.kernels.comm(kernel, say("many", "no"))).rejects.toMatchObject({
        code: "queue_full",
      });
      await letGo();
      await execution.result();
      const { text } = await session.run("heard[1:] == [str(n) for n in range(256)], len(heard)");
      expect(text).toBe("(True, 257)");
      await session.kernels.comm(kernel, say("many", "again"));
      expect((await session.run("heard[-1]")).text).toBe("'again'");
    });

    it("do not come to the next interpreter", async () => {
      const { execution } = await busy("dying");
      await session.kernels.comm(kernel, say("many", "lost"));
      await session.kernels.restart(kernel);
      expect(await execution.result()).toMatchObject({ status: "cancelled", reason: "restarted" });
      expect(await session.run(ECHO)).toMatchObject({ status: "ok" });
      await open("after");
      expect((await session.run("heard")).text).toBe("[]");
    });
  });

  it("that are wrong are refused, and disturb nothing", async () => {
    await open("kept");
    const refused = async (body: object, id?: string) => {
      const answer = await gateway.call("POST", path(id), body);
      return { status: answer.status, ...((await answer.json()) as object) };
    };
    const message = { type: "comm_msg", comm_id: "kept" };
    expect(await refused(message, NO_KERNEL)).toMatchObject({
      ...{ status: 404, code: "kernel_not_found" },
    });
    expect(await refused({ ...message, buffers: ["AA==", "A"] })).toMatchObject({
      ...{ status: 400, code: "invalid_request", errors: [{ path: "buffers[1]" }] },
    });
    expect(await refused({ ...message, type: "comm_open" })).toMatchObject({
      ...{ status: 400, code: "invalid_request", errors: [{ path: "target_name" }] },
    });
    const numbers = `[${Array(420_000).fill("1e20").join(",")}]`;
    const huge = await fetch(gateway.url + path(), {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.key}`, "content-type": "application/json" },
      body: `{"type":"comm_msg","comm_id":"kept","data":{"written out":${numbers}}}`,
    });
    expect(await huge.json()).toMatchObject({ status: 413, code: "body_too_large" });
    await session.kernels.comm(kernel, { type: "comm_msg", comm_id: "kept", data: { still: 1 } });
    expect(await word("kept")).toMatchObject({ data: { echo: { still: 1 } } });
  });

  it("that are wrong are refused on the WebSocket with the field, or the limit", async () => {
    const client = await SocketClient.open(gateway, session.id);
    const message = { op: "comm", type: "comm_msg", comm_id: "kept" };
    client.send({ ...message, ref: "base64", buffers: ["A"] });
    expect(await client.until(({ ref }) => ref === "base64")).toMatchObject({
      type: "problem",
      problem: { code: "invalid_request", errors: [{ path: "buffers[0]" }] },
    });
    client.send({ ...message, type: "comm_open", ref: "target" });
    expect(await client.until(({ ref }) => ref === "target")).toMatchObject({
      type: "problem",
      problem: { code: "invalid_request", errors: [{ path: "target_name" }] },
    });
    client.send({ ...message, ref: "kernel", kernel: NO_KERNEL });
    expect(await client.until(({ ref }) => ref === "kernel")).toMatchObject({
      problem: { code: "kernel_not_found" },
    });
    client.send({ ...message, ref: "huge", buffers: ["A".repeat(9 * 1024 * 1024)] });
    expect(
      await client.until(
        ({ problem }) => (problem as { code?: string } | undefined)?.code === "body_too_large",
      ),
    ).toMatchObject({
      problem: { code: "body_too_large" },
    });
    client.send({ ...message, ref: "good" });
    expect(await client.until(({ ref }) => ref === "good")).toMatchObject({
      type: "comm_accepted",
    });
    client.close();
  });
});
