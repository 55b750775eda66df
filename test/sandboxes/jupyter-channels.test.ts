import type { Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { encodeV1 } from "../../src/kernels/websocket-v1.js";
import {
  type ChannelEnd,
  type ChannelListener,
  createJupyterChannels,
} from "../../src/sandboxes/jupyter-channels.js";
import { createJupyterFrameParser, frameHead } from "../../src/sandboxes/jupyter-frames.js";
import { startHostileKerneld } from "./hostile-kerneld.js";
import { testLink } from "./test-link.js";

const KERNEL = "00000000-0000-4000-8000-000000000000";
const SWITCH =
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: hotcell-jupyter-1\r\n\r\n";

const frame = (kind: number, target: number, payload: Buffer | object): Buffer => {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload));
  return Buffer.concat([frameHead(kind, target, bytes.length), bytes]);
};

/** A client that remembers; its end is a promise. */
function listener(backlog = () => 0) {
  const messages: Buffer[] = [];
  let end: (how: ChannelEnd | Error) => void;
  let heard: () => void;
  const ended = new Promise<ChannelEnd | Error>((resolve) => (end = resolve));
  const first = new Promise<void>((resolve) => (heard = resolve));
  const overruns: number[] = [];
  const told: ChannelListener = {
    message: ({ v1 }) => {
      messages.push(v1);
      heard();
    },
    drained: () => undefined,
    backlog,
    flushed: () => new Promise(() => undefined),
    overrun: () => overruns.push(backlog()),
    closed: (how) => end(how),
  };
  return { told, messages, ended, first, overruns };
}

/** A link whose kerneld answers the request for channels so. */
async function channelsWith(answer: (socket: Socket) => void) {
  const link = await testLink();
  const kerneld = await startHostileKerneld(link.socketPath, { "/channels": answer });
  onTestFinished(() => kerneld.close());
  await link.connected();
  const violations: Error[] = [];
  link.events.on("violation", (error) => violations.push(error));
  return { channels: createJupyterChannels(link), violations };
}

const OPTIONS = { kernel: KERNEL, session: "s" };

describe("the channels of Jupyter clients", () => {
  it("fan out what is for all, and give each its own", async () => {
    const message = encodeV1({ channel: "iopub", parts: [] });
    const { channels } = await channelsWith((socket) => {
      const parser = createJupyterFrameParser();
      socket.write(SWITCH);
      socket.on("data", (chunk: Buffer) => {
        for (const { kind, target } of parser.push(chunk)) {
          if (kind === 1) socket.write(frame(1, target, { number: 9 }));
          if (kind !== 2) continue;
          socket.write(Buffer.concat([frame(3, 8, message), frame(3, 9, message)]));
          socket.write(frame(2, target, Buffer.from("own")));
        }
      });
    });
    const [one, two] = [listener(), listener()];
    channels.attach(OPTIONS, one.told);
    channels.attach({ ...OPTIONS, session: null }, two.told).send(Buffer.from("go"));
    await Promise.all([one.first, two.first]);
    expect(one.messages).toEqual([message]);
    expect(channels.connections(KERNEL)).toBe(2);
    channels.close(new Error("over"));
    expect(await Promise.all([one.ended, two.ended])).toEqual([Error("over"), Error("over")]);
  });

  it("let go of who is too far behind", async () => {
    const { channels } = await channelsWith((socket) => {
      socket.write(Buffer.concat([Buffer.from(SWITCH), frame(1, 1, { number: 1 })]));
      socket.write(frame(3, 1, Buffer.from("x")));
    });
    const slow = listener(() => 33 * 1024 * 1024);
    channels.attach(OPTIONS, slow.told);
    await slow.first;
    expect(slow.overruns).toEqual([33 * 1024 * 1024]);
    channels.close(new Error("over"));
  });

  it.each([
    ["a refusal", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
    ["another protocol", SWITCH.replace("hotcell-jupyter-1", "websocket")],
    ["what is not HTTP", "nonsense\r\n\r\n"],
    ["a frame of no known kind", Buffer.concat([Buffer.from(SWITCH), frame(9, 1, {})])],
    ["a frame of no length", Buffer.concat([Buffer.from(SWITCH), Buffer.alloc(9)])],
    ["a frame of 4 GiB", Buffer.concat([Buffer.from(SWITCH), Buffer.alloc(9, 0xff)])],
    ["a number that is none", Buffer.concat([Buffer.from(SWITCH), frame(1, 1, { number: -1 })])],
    ["JSON that is none", Buffer.concat([Buffer.from(SWITCH), frame(4, 1, Buffer.from("{"))])],
  ])("end on %s, as a violation", async (_, answer) => {
    const { channels, violations } = await channelsWith((socket) => socket.write(answer));
    const client = listener();
    channels.attach(OPTIONS, client.told);
    expect(await client.ended).toMatchObject({ code: "sandbox_protocol_violation" });
    expect(violations.length).toBeGreaterThan(0);
    expect(channels.connections(KERNEL)).toBe(0);
  });

  it("end when the connection breaks, and frames for unknown clients are nothing", async () => {
    const { channels, violations } = await channelsWith((socket) => {
      const strangers = [frame(2, 77, {}), frame(3, 77, {}), frame(4, 77, { code: "x" })];
      socket.end(Buffer.concat([Buffer.from(SWITCH), ...strangers]));
    });
    const client = listener();
    channels.attach(OPTIONS, client.told);
    expect(await client.ended).toMatchObject({ code: "sandbox_unreachable" });
    expect(violations).toEqual([]);
  });
});
