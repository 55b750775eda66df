import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { runtime } from "./runtime.js";

const call = promisify(execFile);
const REPOSITORY = new URL("../..", import.meta.url).pathname;
const { devDependencies: developed } = JSON.parse(
  readFileSync(join(REPOSITORY, "package.json"), "utf8"),
) as { devDependencies: Record<string, string> };

/** Installing takes dependencies from npm's registry. */
async function registryAnswers(): Promise<boolean> {
  try {
    await call("npm", ["ping", "--fetch-retries=0", "--fetch-timeout=20000"]);
    return true;
  } catch {
    return false;
  }
}

/** What the adapters are for, in the versions that this repository is tested with. */
const peers = ["@langchain/core", "@google/adk"].map(
  (name) => `${name}@${developed[name] ?? "latest"}`,
);

// What is packed does not depend on the runtime.
const reason =
  runtime !== "local"
    ? "tested with the runtime local"
    : (await registryAnswers())
      ? undefined
      : "npm's registry does not answer";

describe.skipIf(reason !== undefined)(
  `the packed npm package${reason === undefined ? "" : ` (${reason})`}`,
  () => {
    let directory: string;
    let gateway: GatewayProcess;

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), "hc-"));
      const { stdout } = await call("npm", ["pack", "--silent", "--pack-destination", directory], {
        cwd: REPOSITORY,
      });
      await writeFile(join(directory, "package.json"), '{ "private": true, "type": "module" }');
      const quiet = [
        "--omit=dev",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefer-offline",
      ];
      const packages = [join(directory, stdout.trim()), ...peers];
      await call("npm", ["install", ...quiet, ...packages], { cwd: directory });
      const main = join(directory, "node_modules/.bin/hotcell");
      gateway = await startGatewayProcess({ main });
    });
    afterAll(async () => {
      await gateway.close();
      await rm(directory, { recursive: true, force: true });
    });

    /** Runs a file of the directory with Node, as its reader would; returns what it prints. */
    async function node(name: string, source: string): Promise<string> {
      await writeFile(join(directory, name), source);
      const { stdout } = await call(process.execPath, [name], {
        cwd: directory,
        env: { PATH: process.env["PATH"], HOTCELL_URL: gateway.url, HOTCELL_API_KEY: gateway.key },
      });
      return stdout;
    }

    it("has a client that runs code", async () => {
      const source = `
        import { Hotcell, HotcellError } from "hotcell/client";
        const client = new Hotcell();
        const session = await client.session();
        await session.run("x = 20");
        for await (const event of session.stream("print(x); x * 2 + 2")) {
          if (event.type === "stream") console.log(event.text.trim());
          if (event.type === "execute_result") console.log(event.data["text/plain"]);
        }
        await session.end();
        console.log(await session.run("1").catch((error) => error instanceof HotcellError && error.code));
      `;
      expect(await node("client.js", source)).toBe("20\n42\nsession_ended\n");
    });

    it("has a gateway with its playground", async () => {
      const page = await (await fetch(gateway.url)).text();
      const script = /<script[^>]+src="([^"]+)"/.exec(page)?.[1] ?? "none";
      const answer = await fetch(new URL(script, gateway.url));
      expect([answer.status, answer.headers.get("content-type")]).toEqual([
        200,
        expect.stringContaining("javascript"),
      ]);
      expect((await answer.text()).length).toBeGreaterThan(100_000);
    });

    it("has a tool for LangGraph and an executor for ADK that run code", async () => {
      const source = `
        import { interpreterTool } from "hotcell/langgraph";
        import { InterpreterCodeExecutor } from "hotcell/adk";
        const tool = interpreterTool();
        console.log(await tool.invoke({ code: "6 * 7" }));
        await tool[Symbol.asyncDispose]();
        const executor = new InterpreterCodeExecutor();
        const invocationContext = { session: { id: "s", appName: "a", userId: "u", state: {} } };
        const codeExecutionInput = { code: "print(6 * 7)", inputFiles: [] };
        const { stdout } = await executor.executeCode({ invocationContext, codeExecutionInput });
        console.log(stdout.trim());
      `;
      expect(await node("adapters.js", source)).toBe("42\n42\n");
    });

    it("has types for it that hold without Node's", async () => {
      const source = `
        import { Hotcell, type ExecutionEvent, type Result } from "hotcell/client";
        const client = new Hotcell({ url: "http://127.0.0.1:8788", key: "key" });
        await using session = await client.session({ limits: { pids: 64 } });
        const result: Result = await session.run("1", { timeout_s: 5 });
        const status: "ok" | "error" | "timed_out" | undefined =
          result.status === "ok" || result.status === "error" ? result.status : undefined;
        for await (const event of session.stream("1")) {
          const one: ExecutionEvent = event;
          if (one.type === "stream") one.text satisfies string;
        }
        // @ts-expect-error -- there is no such option
        await session.run("1", { nonsense: status });
      `;
      await writeFile(join(directory, "types.ts"), source);
      const compilerOptions = {
        ...{ strict: true, noEmit: true, target: "es2022", module: "nodenext", types: [] },
        ...{ lib: ["es2022", "dom", "dom.asynciterable"], skipLibCheck: false },
      };
      const configuration = { compilerOptions, include: ["types.ts"] };
      await writeFile(join(directory, "tsconfig.json"), JSON.stringify(configuration));
      const compiler = join(REPOSITORY, "node_modules", "typescript", "bin", "tsc");
      const { stdout } = await call(process.execPath, [compiler, "--listFiles"], {
        cwd: directory,
      });
      expect(stdout).toContain("hotcell/dist/client/index.d.ts");
      expect(stdout).not.toContain("@types/node");
    });
  },
);
