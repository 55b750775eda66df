import { existsSync, readdirSync } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { type Socket, createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";

import type { Enrolment } from "../../src/sandboxes/hello.js";
import { type SandboxLink, openLink } from "../../src/sandboxes/link.js";
import {
  type Identity,
  dial,
  dialRaw,
  helloFor,
  newIdentity,
  readChallenge,
  readLine,
} from "./dial.js";
import { startHostileKerneld } from "./hostile-kerneld.js";
import { testDirectory, testLink } from "./test-link.js";

const gone = (socket: Socket) =>
  new Promise<void>((resolve) => {
    socket.resume();
    if (socket.closed) resolve();
    else socket.on("close", () => resolve());
  });

const openDescriptors = () => readdirSync("/proc/self/fd").length;

/** Says one line in answer to the challenge, and resolves with what comes back: null when refused. */
async function greet(
  link: SandboxLink,
  hello: (challenge: string) => string | Buffer,
): Promise<string | null> {
  const socket = await dialRaw(link.socketPath);
  onTestFinished(() => void socket.destroy());
  socket.write(hello(await readChallenge(socket)));
  return readLine(socket);
}

const enrolled = async (): Promise<{ link: SandboxLink; identity: Identity; control: Socket }> => {
  const link = await testLink();
  const identity = newIdentity();
  const control = await dial(link.socketPath, identity, "control");
  if (control === null) throw new Error("refused");
  onTestFinished(() => void control.destroy());
  return { link, identity, control };
};

describe("the link's directory", () => {
  it("holds a socket that any uid may dial, in a directory that any uid may enter", async () => {
    const directory = join(await testDirectory(), "link");
    await testLink({ directory });
    expect((await stat(directory)).mode & 0o777).toBe(0o755);
    expect((await stat(join(directory, "gateway.sock"))).mode & 0o777).toBe(0o666);
  });

  it("goes with the link, and closing twice is closing once", async () => {
    const link = await testLink();
    await Promise.all([link.close(), link.close()]);
    expect(existsSync(join(link.socketPath, ".."))).toBe(false);
    expect(link.state).toBe("closed");
  });

  it("stays for a sandbox that outlives the gateway, and the next gateway listens in it", async () => {
    const directory = join(await testDirectory(), "link");
    const first = await testLink({ directory });
    await first.close({ keepDirectory: true });
    const { ino } = await stat(directory);
    const identity = newIdentity();
    const second = await testLink({ directory });
    expect((await stat(directory)).ino).toBe(ino);
    expect(await dial(second.socketPath, identity, "control")).not.toBeNull();
  });

  it("takes the place of a socket that a killed gateway left behind", async () => {
    const directory = join(await testDirectory(), "link");
    await mkdir(directory);
    const path = join(directory, "gateway.sock");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await testLink({ directory });
    expect(await dial(path, newIdentity(), "control")).not.toBeNull();
    server.close();
  });

  it("never removes what is not a socket", async () => {
    const directory = join(await testDirectory(), "link");
    await mkdir(directory);
    await writeFile(join(directory, "gateway.sock"), "precious");
    await expect(testLink({ directory })).rejects.toThrow("not a socket");
  });

  it("refuses a path that is too long for a socket, and says so", async () => {
    const directory = join(await testDirectory(), "x".repeat(100));
    await expect(
      openLink({ directory, sandboxId: "s", onEnrol: () => Promise.resolve() }),
    ).rejects.toThrow(/may have 107/);
  });
});

describe("enrolment", () => {
  it("stores the key before it tells it", async () => {
    let store: () => void = () => undefined;
    const stored: Enrolment[] = [];
    const link = await testLink({
      onEnrol: (enrolment) => {
        stored.push(enrolment);
        return new Promise((resolve) => (store = resolve));
      },
    });
    const identity = newIdentity();
    const socket = await dialRaw(link.socketPath);
    socket.write(helloFor(identity, "control", await readChallenge(socket)));
    await expect.poll(() => stored).toHaveLength(1);
    expect(link.state).toBe("connecting");
    expect(link.enrolment).toBeNull();
    store();
    const answer = JSON.parse((await readLine(socket)) ?? "") as { key: string };
    expect(stored).toEqual([{ key: answer.key, boot: identity.boot }]);
    expect(answer.key).toMatch(/^[0-9a-f]{64}$/);
    expect(link.state).toBe("up");
    socket.destroy();
  });

  it("fails closed when the key cannot be stored, and works when it can be later", async () => {
    const onEnrol = vi
      .fn()
      .mockRejectedValueOnce(new Error("disk full"))
      .mockResolvedValue(undefined);
    const link = await testLink({ onEnrol });
    expect(await dial(link.socketPath, newIdentity(), "control")).toBeNull();
    expect(link.state).toBe("connecting");
    expect(await dial(link.socketPath, newIdentity(), "control")).not.toBeNull();
  });

  it("happens once: a second sandbox without key is refused without a word", async () => {
    const { link } = await enrolled();
    expect(await dial(link.socketPath, newIdentity(), "control")).toBeNull();
  });

  it("is for control connections: a spare without key is refused", async () => {
    const link = await testLink();
    expect(await dial(link.socketPath, newIdentity(), "spare")).toBeNull();
  });

  it("is remembered: with a stored enrolment only that sandbox gets in", async () => {
    const enrolment = { key: "ab".repeat(32), boot: "cd".repeat(16) };
    const link = await testLink({ enrolment });
    expect(await dial(link.socketPath, newIdentity(), "control")).toBeNull();
    expect(await dial(link.socketPath, { ...enrolment }, "control")).not.toBeNull();
  });
});

describe("a hello that is not right", () => {
  const wrong: Record<string, (identity: Identity, challenge: string) => string | Buffer> = {
    "with another boot id": (identity, challenge) =>
      helloFor({ ...identity, boot: "0".repeat(32) }, "spare", challenge),
    "with another key": (identity, challenge) =>
      helloFor({ ...identity, key: "0".repeat(64) }, "spare", challenge),
    "without proof": (identity, challenge) =>
      helloFor({ ...identity, key: null }, "control", challenge),
    "that proves a challenge of its own": (identity) =>
      helloFor(identity, "control", "f".repeat(64)),
    "with a proof for the other role": (identity, challenge) =>
      helloFor(identity, "spare", challenge).replace('"spare"', '"control"'),
    "with an unknown role": (identity, challenge) =>
      helloFor(identity, "spare", challenge).replace('"spare"', '"admin"'),
    "with more fields": (identity, challenge) =>
      helloFor(identity, "control", challenge).replace("{", '{"x":1,'),
    "that is not JSON": () => "GET / HTTP/1.1\n",
    "that is longer than 1 KiB": (identity, challenge) =>
      helloFor(identity, "control", challenge).replace("{", `{${" ".repeat(1_024)}`),
    "with bytes behind it": (identity, challenge) =>
      `${helloFor(identity, "control", challenge)}HTTP/1.1 200 OK\r\n\r\n`,
    "with an empty line behind it": (identity, challenge) =>
      `${helloFor(identity, "control", challenge)}\n`,
    "without end": () => Buffer.alloc(64 * 1024, 0x7b),
  };

  it.each(Object.entries(wrong))("%s is closed without a word", async (_, hello) => {
    const { link, identity, control } = await enrolled();
    expect(await greet(link, (challenge) => hello(identity, challenge))).toBeNull();
    expect(control.destroyed).toBe(false);
    expect(link.state).toBe("up");
  });

  it("replayed from another connection is closed without a word", async () => {
    const { link, identity } = await enrolled();
    let said = "";
    expect(await greet(link, (challenge) => (said = helloFor(identity, "spare", challenge)))).toBe(
      '{"ok":true}',
    );
    expect(await greet(link, () => said)).toBeNull();
  });

  it("that never comes, or comes half, is closed after 2 s", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const link = await testLink();
    const silent = await dialRaw(link.socketPath);
    const half = await dialRaw(link.socketPath);
    await Promise.all([readChallenge(silent), readChallenge(half)]);
    half.write('{"boot":"');
    vi.advanceTimersByTime(1_999);
    expect(silent.destroyed || half.destroyed).toBe(false);
    vi.advanceTimersByTime(2);
    await Promise.all([gone(silent), gone(half)]);
  });
});

describe("connections", () => {
  it("are 16 at most, whatever dials", async () => {
    const { link, identity } = await enrolled();
    const silent = await Promise.all(
      Array.from({ length: 100 }, () => dialRaw(link.socketPath).catch(() => null)),
    );
    const challenged = await Promise.all(
      silent.map(async (socket) => (socket === null ? null : readLine(socket))),
    );
    expect(challenged.filter((line) => line !== null)).toHaveLength(15);
    for (const socket of silent) socket?.destroy();
    await expect.poll(() => dial(link.socketPath, identity, "spare")).not.toBeNull();
  });

  it("dialled a thousand times cost the gateway no descriptors and its neighbour no answer", async () => {
    const { link } = await enrolled();
    const neighbour = await testLink();
    const kerneld = await startHostileKerneld(neighbour.socketPath);
    onTestFinished(() => kerneld.close());
    const before = openDescriptors();
    for (let round = 0; round < 10; round += 1) {
      const sockets = await Promise.all(
        Array.from({ length: 100 }, () => dialRaw(link.socketPath).catch(() => null)),
      );
      for (const socket of sockets) socket?.destroy();
      const answer = await neighbour.request({ method: "GET", path: "/x", answerWithinMs: 5_000 });
      expect(answer.status).toBe(404);
      while ((await answer.body.read(1_000)) !== null);
    }
    expect(link.state).toBe("up");
    // Each round's neighbour keeps a connection or two more; nothing else may stay.
    await expect.poll(() => openDescriptors()).toBeLessThan(before + 40);
  });

  it("of the newest proven control win", async () => {
    const { link, identity, control } = await enrolled();
    const newer = await dial(link.socketPath, identity, "control");
    expect(newer).not.toBeNull();
    await gone(control);
    expect(newer?.destroyed).toBe(false);
    expect(link.state).toBe("up");
    newer?.destroy();
  });

  it("that say anything unasked are dropped", async () => {
    const { link, identity, control } = await enrolled();
    const spare = await dial(link.socketPath, identity, "spare");
    spare?.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    await gone(spare as Socket);
    control.write("x");
    await gone(control);
    await expect.poll(() => link.state).toBe("connecting");
  });
});

describe("the state", () => {
  afterEach(() => void vi.useRealTimers());

  it("tells of a control connection that broke and came back", async () => {
    const { link, identity, control } = await enrolled();
    const states: string[] = [];
    link.events.on("state", (state) => states.push(state));
    control.destroy();
    await expect.poll(() => link.state).toBe("connecting");
    const back = link.connected();
    const again = await dial(link.socketPath, identity, "control");
    await back;
    expect(states).toEqual(["connecting", "up"]);
    again?.destroy();
  });

  it("is unresponsive after two unanswered pings, and up again when an answer comes", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const link = await testLink();
    let late: (() => void) | undefined;
    const kerneld = await startHostileKerneld(link.socketPath, {
      "/ping": (socket) => {
        late = () => {
          const body = JSON.stringify({ boot: kerneld.identity.boot, now: 1 });
          socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
        };
      },
    });
    onTestFinished(() => kerneld.close());
    vi.advanceTimersByTime(5_000);
    await expect.poll(() => late).toBeDefined();
    vi.advanceTimersByTime(5_000);
    expect(link.state).toBe("up");
    vi.advanceTimersByTime(5_000);
    expect(link.state).toBe("unresponsive");
    late?.();
    await expect.poll(() => link.state).toBe("up");
  });

  it("is unresponsive when a control connection stays away for 10 s", async () => {
    const { link, identity, control } = await enrolled();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    control.destroy();
    while (link.state === "up") await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(10_000);
    expect(link.state).toBe("unresponsive");
    vi.useRealTimers();
    const back = await dial(link.socketPath, identity, "control");
    expect(link.state).toBe("up");
    back?.destroy();
  });

  it("drops a control connection that answers a ping with another boot id", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const link = await testLink();
    const kerneld = await startHostileKerneld(link.socketPath, {
      "/ping": (socket) => {
        const body = JSON.stringify({ boot: "0".repeat(32), now: 1 });
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      },
    });
    onTestFinished(() => kerneld.close());
    vi.advanceTimersByTime(5_000);
    await expect.poll(() => link.state).toBe("connecting");
  });

  it("lets a wait for the sandbox be aborted, and ends it when the link is closed", async () => {
    const link = await testLink();
    const abort = new AbortController();
    const aborted = expect(link.connected(abort.signal)).rejects.toThrow("enough");
    const closed = expect(link.connected()).rejects.toMatchObject({ code: "sandbox_unreachable" });
    abort.abort(new Error("enough"));
    await aborted;
    await link.close();
    await closed;
  });
});
