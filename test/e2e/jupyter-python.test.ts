import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { KernelManager, ServerConnection } from "@jupyterlab/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.js";
import { runCell } from "./jupyter-client.js";
import { pythonVenv } from "./python-venv.js";

const run = promisify(execFile);

const PACKAGES = [
  "jupyter_server==2.21.1",
  "jupyter_kernel_client==1.0.2",
  "jupyter_kernel_test==0.7.0",
  "nbclient==0.11.0",
  "websocket-client",
];

const venv = await pythonVenv(PACKAGES);

const script = (name: string): string =>
  new URL(`jupyter-clients/${name}`, import.meta.url).pathname;

describe.skipIf(venv === undefined)(
  "clients from PyPI (skipped where PyPI cannot be reached)",
  () => {
    let gateway: GatewayProcess;
    beforeAll(async () => {
      gateway = await startGatewayProcess();
    });
    afterAll(() => gateway.close());

    async function python(name: string): Promise<unknown> {
      const args = [script(name), `${gateway.url}/jupyter`, gateway.key];
      const { stdout } = await run(join(venv ?? "", "bin", "python"), args, { timeout: 100_000 });
      return JSON.parse(stdout);
    }

    it("nbclient executes a notebook", async () => {
      const { cells } = (await python("nbclient_notebook.py")) as {
        cells: { outputs: unknown[] }[];
      };
      expect(cells.map(({ outputs }) => outputs)).toMatchObject([
        [],
        [
          { output_type: "stream", text: ["hello\n"] },
          { output_type: "execute_result", data: { "text/plain": ["42"] } },
        ],
        [{ output_type: "display_data", data: { "image/png": expect.anything() as unknown } }],
        [{ output_type: "stream", text: ["there\n"] }],
      ]);
    });

    it("jupyter-kernel-client executes, restarts and shuts down", async () => {
      const result = (await python("kernel_client.py")) as { id: string };
      expect(result).toMatchObject({
        first: {
          status: "ok",
          outputs: [{ text: "hi\n" }, { data: { "text/plain": "42" }, execution_count: 1 }],
        },
        alive: true,
        error: "error",
      });
      const about = await gateway.call("GET", `/jupyter/api/kernels/${result.id}`);
      expect(about.status).toBe(404);
    });

    it("jupyter_kernel_test finds the kernel to speak the protocol", async () => {
      expect(await python("kernel_test.py")).toEqual({
        passed: [
          "test_clear_output",
          "test_completion",
          "test_display_data",
          "test_error",
          "test_execute_result",
          "test_execute_stderr",
          "test_execute_stdout",
          "test_inspect",
          "test_is_complete",
          "test_kernel_info",
          "test_pager",
        ],
        failed: {},
        // All of it but this one passed: it would be among the failed.
        skipped: ["test_history (hist_access_type='range')"],
      });
    });

    describe("Jupyter Server, with this gateway behind it", () => {
      let server: ChildProcess;
      let directory: string;
      let settings: ServerConnection.ISettings;

      beforeAll(async () => {
        directory = await mkdtemp(join(tmpdir(), "hotcell-jupyter-"));
        server = spawn(
          join(venv ?? "", "bin", "jupyter"),
          [
            "server",
            ...["--allow-root", "--no-browser", `--ServerApp.root_dir=${directory}`],
            ...["--ServerApp.port=0", "--IdentityProvider.token=tested"],
            ...[
              `--gateway-url=${gateway.url}/jupyter`,
              `--GatewayClient.auth_token=${gateway.key}`,
            ],
          ],
          {
            env: { ...process.env, HOME: directory, JUPYTER_CONFIG_DIR: directory },
            stdio: ["ignore", "ignore", "pipe"],
          },
        );
        const address = await new Promise<string>((resolve, reject) => {
          let log = "";
          server.stderr?.on("data", (chunk: Buffer) => {
            log += chunk.toString();
            const found = /http:\/\/127\.0\.0\.1:\d+/.exec(log);
            if (found) resolve(found[0]);
          });
          server.once("exit", () => reject(new Error(`jupyter server ended: ${log}`)));
        });
        settings = ServerConnection.makeSettings({
          baseUrl: `${address}/`,
          wsUrl: `${address.replace("http", "ws")}/`,
          token: "tested",
          appendToken: true,
        });
      });
      afterAll(async () => {
        const ended = once(server, "exit");
        server.kill("SIGKILL");
        await ended;
        await rm(directory, { recursive: true, force: true });
      });

      it("runs cells, survives buffers, asks for input, interrupts and restarts", async () => {
        const manager = new KernelManager({ serverSettings: settings });
        await manager.ready;
        const kernel = await manager.startNew({ name: "python3" });
        await kernel.info;
        expect((await runCell(kernel, "print('through two servers')")).text).toBe(
          "through two servers\n",
        );
        const comm = await runCell(
          kernel,
          "from comm import create_comm\nc = create_comm(target_name='none', data={}, buffers=[b'123'])",
        );
        expect(comm.messages.map(({ header }) => header.msg_type)).toContain("comm_open");

        const asking = kernel.requestExecute({ code: "print(input('?'))", allow_stdin: true });
        asking.onStdin = ({ header }) => {
          kernel.sendInputReply({ status: "ok", value: "answered" }, header as never);
        };
        expect((await asking.done).content.status).toBe("ok");

        const endless = kernel.requestExecute({ code: "print('in')\nwhile True: pass" });
        await new Promise<void>((resolve) => {
          endless.onIOPub = ({ header }) => {
            if (header.msg_type === "stream") resolve();
          };
        });
        await kernel.interrupt();
        expect((await endless.done).content).toMatchObject({ ename: "KeyboardInterrupt" });
        await kernel.restart();
        expect((await runCell(kernel, "print('again')")).text).toBe("again\n");
        await kernel.shutdown();
        manager.dispose();
      });
    });
  },
);
