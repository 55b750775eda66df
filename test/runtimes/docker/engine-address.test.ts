import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { engineAddress } from "../../../src/runtimes/docker/engine-address.js";

describe("the engine's address", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "hotcell-address-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function addContext(name: string, host: string): void {
    const digest = createHash("sha256").update(name).digest("hex");
    const path = join(directory, "contexts/meta", digest);
    mkdirSync(path, { recursive: true });
    writeFileSync(
      join(path, "meta.json"),
      JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }),
    );
  }

  test("is DOCKER_HOST before all else", () => {
    expect(engineAddress({ DOCKER_HOST: "unix:///a.sock", DOCKER_CONTEXT: "b" })).toBe(
      "unix:///a.sock",
    );
    expect(engineAddress({ DOCKER_HOST: "127.0.0.1:2375" })).toBe("tcp://127.0.0.1:2375");
  });

  test("is that of the current context", () => {
    addContext("rootless", "unix:///run/user/1000/docker.sock");
    writeFileSync(join(directory, "config.json"), `{"currentContext":"rootless"}`);
    expect(engineAddress({ DOCKER_CONFIG: directory })).toBe("unix:///run/user/1000/docker.sock");
    addContext("other", "unix:///other.sock");
    expect(engineAddress({ DOCKER_CONFIG: directory, DOCKER_CONTEXT: "other" })).toBe(
      "unix:///other.sock",
    );
  });

  test.each(["not JSON", `{"currentContext":7}`, `{"currentContext":"unknown"}`])(
    "is a socket of this machine when the client's configuration is %s",
    (content) => {
      writeFileSync(join(directory, "config.json"), content);
      expect(engineAddress({ DOCKER_CONFIG: directory })).toMatch(/^unix:\/\/.*docker\.sock$/);
    },
  );
});
