import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimSocket, runningGateway } from "../../src/gateway/announcement.js";
import { claimHome, HomeTakenError } from "../../src/home.js";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "hc-"))));
afterEach(() => rmSync(directory, { recursive: true }));

const { signal } = new AbortController();
const HERE = { url: "http://127.0.0.1:1234", keys: "generated" } as const;

describe("the gateway of a home", () => {
  it("is not there where none runs, and where none ever ran", async () => {
    expect(await runningGateway(directory, { signal })).toBeUndefined();
    expect(await runningGateway(join(directory, "none"), { signal })).toBeUndefined();
    const home = await claimHome(directory);
    await home.release();
    expect(await runningGateway(directory, { signal })).toBeUndefined();
  });

  it("says where it is to everybody who asks", async () => {
    const home = await claimHome(directory);
    home.announce(HERE);
    const asked = Array.from({ length: 5 }, () => runningGateway(directory, { signal }));
    expect(await Promise.all(asked)).toEqual(asked.map(() => HERE));
    await home.release();
  });

  it("is waited for while it starts", async () => {
    const home = await claimHome(directory);
    let answer: unknown = "none yet";
    const asked = runningGateway(directory, { signal }).then((found) => (answer = found));
    await expect(claimHome(directory)).rejects.toThrow(HomeTakenError);
    expect(answer).toBe("none yet");
    home.announce(HERE);
    expect(await asked).toEqual(HERE);
    await home.release();
  });

  it("is not there when it gave up starting", async () => {
    const home = await claimHome(directory);
    const asked = runningGateway(directory, { signal });
    await expect(claimHome(directory)).rejects.toThrow(HomeTakenError);
    await home.release();
    expect(await asked).toBeUndefined();
  });

  it("is waited for no longer than wanted", async () => {
    const home = await claimHome(directory);
    const stop = new AbortController();
    const asked = runningGateway(directory, { signal: stop.signal });
    await expect(claimHome(directory)).rejects.toThrow(HomeTakenError);
    stop.abort(new Error("stopped"));
    await expect(asked).rejects.toThrow("stopped");
    await home.release();
  });

  it.each([["not json"], ['{"url": 1}'], ["x".repeat(100_000)]])(
    "is refused when it answers nonsense (%#)",
    async (answer) => {
      const server: Server = createServer((socket) => {
        socket.on("error", () => undefined);
        socket.end(answer);
      });
      server.listen(claimSocket(directory));
      await once(server, "listening");
      await expect(runningGateway(directory, { signal })).rejects.toThrow();
      server.close();
      await once(server, "close");
    },
  );
});
