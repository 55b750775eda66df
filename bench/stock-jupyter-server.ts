import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { access, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runChildProcess } from "../src/images/child-process.js";

const START_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;

/** Where its packages from PyPI are kept, from one run to the next. */
const ENVIRONMENT = join(
  process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
  "hotcell-bench",
  "jupyter-server",
);
const PROGRAM = join(ENVIRONMENT, "bin", "jupyter-server");

/** A `jupyter_server` of its makers, on this machine and in no sandbox. */
export interface StockJupyterServer {
  url: string;
  headers: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** @throws Error where PyPI, or a `python3` with `venv`, is not there */
async function install(signal: AbortSignal): Promise<void> {
  try {
    await access(PROGRAM);
  } catch {
    await runChildProcess("python3", ["-m", "venv", ENVIRONMENT], { signal });
    const pip = join(ENVIRONMENT, "bin", "pip");
    await runChildProcess(pip, ["install", "--quiet", "jupyter_server", "ipykernel"], { signal });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("there is no free port");
  return address.port;
}

/** @throws as `install`; Error when it does not start */
export async function startStockJupyterServer(signal: AbortSignal): Promise<StockJupyterServer> {
  await install(signal);
  const directory = await mkdtemp(join(tmpdir(), "hotcell-bench-jupyter-"));
  const port = await freePort();
  const token = randomBytes(24).toString("hex");
  const child = spawn(
    PROGRAM,
    [
      ...["--no-browser", "--allow-root", "--ip=127.0.0.1", `--port=${port}`],
      ...[`--ServerApp.root_dir=${directory}`, "--log-level=ERROR"],
      // As many bytes as come: its default stops output that is fast.
      "--ZMQChannelsWebsocketConnection.limit_rate=False",
    ],
    {
      cwd: directory,
      stdio: "ignore",
      env: {
        PATH: `${dirname(PROGRAM)}:${process.env["PATH"] ?? ""}`,
        HOME: directory,
        JUPYTER_TOKEN: token,
      },
    },
  );
  const exited = once(child, "exit");
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= (async () => {
      child.kill("SIGTERM");
      await exited;
      await rm(directory, { recursive: true, force: true });
    })());
  try {
    const url = `http://127.0.0.1:${port}`;
    const headers = { authorization: `token ${token}` };
    const late = AbortSignal.any([signal, AbortSignal.timeout(START_WITHIN_MS)]);
    while (!(await answers(`${url}/api/status`, headers))) {
      if (child.exitCode !== null) throw new Error("jupyter-server ended before it was ready");
      await delay(LOOK_EVERY_MS, undefined, { signal: late });
    }
    return { url, headers, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function answers(url: string, headers: Readonly<Record<string, string>>): Promise<boolean> {
  return fetch(url, { headers }).then(
    ({ ok }) => ok,
    () => false,
  );
}
