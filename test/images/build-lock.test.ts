import { EventEmitter, once } from "node:events";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { withBuildLock } from "../../src/images/build-lock.js";
import { temporaryDirectory } from "./temporary-directory.js";

const { signal } = new AbortController();

describe("the build lock", () => {
  it("lets one in at a time, and the next as soon as it is out", async () => {
    const path = join(await temporaryDirectory(), "lock");
    const events: string[] = [];
    const lock = new EventEmitter();
    const contended = once(lock, "contended");
    const first = withBuildLock(path, { signal }, async () => {
      events.push("first in");
      await contended;
      events.push("first out");
    });
    const second = withBuildLock(path, { signal, onWait: () => lock.emit("contended") }, async () =>
      Promise.resolve(events.push("second in")),
    );
    await Promise.all([first, second]);
    expect(events).toEqual(["first in", "first out", "second in"]);
  });

  it("is free again after a failure, and leaves nothing behind", async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, "lock");
    const failing = withBuildLock(path, { signal }, () => Promise.reject(new Error("no disk")));
    await expect(failing).rejects.toThrow("no disk");
    expect(await readdir(directory)).toEqual([]);
    expect(await withBuildLock(path, { signal }, () => Promise.resolve("in"))).toBe("in");
  });

  it("is taken over from a process that was killed", async () => {
    const path = join(await temporaryDirectory(), "lock");
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log("in"))`;
    const holder = spawn(process.execPath, ["-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(holder.stdout, "data");
    const next = withBuildLock(path, { signal, onWait: () => holder.kill("SIGKILL") }, () =>
      Promise.resolve("in"),
    );
    expect(await next).toBe("in");
  });

  it("stops waiting when it is told to", async () => {
    const path = join(await temporaryDirectory(), "lock");
    const holder = createServer().listen(path);
    await once(holder, "listening");
    const controller = new AbortController();
    const waiting = withBuildLock(
      path,
      { signal: controller.signal, onWait: () => controller.abort(new Error("enough")) },
      () => Promise.resolve("in"),
    );
    await expect(waiting).rejects.toThrow("enough");
    holder.close();
  });
});
