import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
