import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, loadConfig } from "../src/config.js";

let cwd: string;
beforeEach(() => (cwd = mkdtempSync(join(tmpdir(), "hc-"))));
afterEach(() => rmSync(cwd, { recursive: true }));

const file = (text: string) => writeFileSync(join(cwd, "hotcell.config.yaml"), text);

describe("settings", () => {
  it("have defaults that are safe on a laptop", () => {
    const config = loadConfig({ cwd, env: {} });
    expect(config).toMatchObject({
      host: "127.0.0.1",
      port: 8788,
      runtime: "auto",
      max_sessions: 64,
    });
    expect(config.session).toMatchObject({
      memory_bytes: 2 ** 31,
      pids: 256,
      idle_s: 1800,
      timeout_s: 120,
      grace_s: 5,
    });
    expect(config.body_limit_bytes).toBe(8 * 1024 * 1024);
    expect(config.home).toMatch(/\.hotcell$/);
  });

  it("are taken from flags over the environment over the file", () => {
    file("port: 1\nmax_sessions: 2\nhost: localhost\n");
    const config = loadConfig({
      cwd,
      env: { HOTCELL_PORT: "3", HOTCELL_MAX_SESSIONS: "4" },
      flags: { port: "5", host: undefined },
    });
    expect(config).toMatchObject({ port: 5, max_sessions: 4, host: "localhost" });
  });

  it("may be nested in the file", () => {
    file("session:\n  idle_s: 60\n");
    expect(loadConfig({ cwd, env: {} }).session).toMatchObject({ idle_s: 60, pids: 256 });
  });

  it.each([
    [{ HOTCELL_PROT: "1" }, /HOTCELL_PROT in the environment is not a setting/],
    [{ HOTCELL_PORT: "http" }, /port \(HOTCELL_PORT in the environment\)/],
    [{ HOTCELL_PORT: "" }, /port \(HOTCELL_PORT/],
    [{ HOTCELL_PORT: "70000" }, /port \(HOTCELL_PORT/],
    [{ HOTCELL_RUNTIME: "podman" }, /runtime \(HOTCELL_RUNTIME/],
    [{ HOTCELL_API_KEY: "short" }, /api_key \(HOTCELL_API_KEY.*16 characters/],
    [{ HOTCELL_HOST: "0.0.0.0" }, /set HOTCELL_API_KEY/],
  ])("in the environment are refused by name: %j", (env, message) => {
    expect(() => loadConfig({ cwd, env })).toThrow(message);
    expect(() => loadConfig({ cwd, env })).toThrow(ConfigError);
  });

  it.each([
    ["prot: 1", /setting prot .*does not exist/],
    ["session:\n  idel_s: 1", /session\.idel_s .*does not exist/],
    ["session:\n  idle_s: soon", /session\.idle_s .*is not valid/],
    ["- 1", /mapping/],
    ["a: [", /not YAML/],
  ])("in the file are refused by name: %j", (text, message) => {
    file(text);
    expect(() => loadConfig({ cwd, env: {} })).toThrow(message);
  });

  it.each(["HOTCELL_URL", "HOTCELL_GATEWAY_URL"])("are not what tells clients: %s", (name) => {
    expect(loadConfig({ cwd, env: { [name]: "http://elsewhere:1" } }).port).toBe(8788);
  });

  it("on an address that others can reach need a key of the operator's", () => {
    const env = { HOTCELL_HOST: "0.0.0.0", HOTCELL_API_KEY: "a-key-of-the-operator" };
    expect(loadConfig({ cwd, env }).host).toBe("0.0.0.0");
  });

  it("in a named file need that file", () => {
    expect(() => loadConfig({ cwd, env: {}, file: "missing.yaml" })).toThrow(
      /missing\.yaml cannot be read/,
    );
  });

  it("of scripts and tests are left alone", () => {
    expect(() => loadConfig({ cwd, env: { HOTCELL_TEST_IMAGE: "x" } })).not.toThrow();
  });
});
