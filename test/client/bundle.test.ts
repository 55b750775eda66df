import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { describe, expect, it } from "vitest";

describe("the client in a browser", () => {
  it("is one small script that needs nothing else", async () => {
    const entry = new URL("../../src/client/index.ts", import.meta.url).pathname;
    const built = await build({
      configFile: false,
      logLevel: "silent",
      build: { write: false, lib: { entry, formats: ["es"] } },
    });
    const [{ output }] = built as [Rolldown.RolldownOutput];
    expect(output).toHaveLength(1);
    const [script] = output;
    expect([...script.imports, ...script.dynamicImports]).toEqual([]);
    const modules = Object.keys(script.modules).map((path) => path.replace(/^.*\/(?=[^/]+\/)/, ""));
    expect(modules.filter((path) => /zod|__vite-browser-external|polyfill/.test(path))).toEqual([]);
    expect(gzipSync(script.code).length).toBeLessThan(10_000);
  });
});
