import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { GatewayProcess } from "../e2e/gateway-process.js";
import { runtime } from "../e2e/runtime.js";

const execute = promisify(execFile);

/** What the machine's operator can find out about a session's sandbox, and its code must not. */
export interface SandboxAccess {
  sandboxId: string;
  /** The gateway's end of the link. */
  socketPath: string;
  /** What proves that a connection is that sandbox's, in hex. */
  key: string;
  boot: string;
  /** Its first process, as the machine numbers it. */
  pid: number;
}

export async function accessTo(gateway: GatewayProcess, session: string): Promise<SandboxAccess> {
  const answer = await gateway.call("GET", `/v1/sessions/${session}`);
  const { sandbox_id: sandboxId } = (await answer.json()) as { sandbox_id: string };
  const record = join(gateway.home, "sessions", `${sandboxId}.json`);
  const { enrolment } = JSON.parse(await readFile(record, "utf8")) as {
    enrolment: { key: string; boot: string };
  };
  const socketPath = join(gateway.home, "links", sandboxId, "link/gateway.sock");
  const pid = await (runtime === "docker"
    ? containerPid(sandboxId)
    : recordedPid(gateway, sandboxId));
  return { sandboxId, socketPath, ...enrolment, pid };
}

async function containerPid(sandboxId: string): Promise<number> {
  const label = `label=hotcell.sandbox=${sandboxId}`;
  const { stdout } = await execute("docker", ["ps", "-q", "--filter", label]);
  const inspect = ["inspect", "--format", "{{.State.Pid}}", stdout.trim()];
  return Number((await execute("docker", inspect)).stdout);
}

async function recordedPid(gateway: GatewayProcess, sandboxId: string): Promise<number> {
  const file = join(gateway.home, "runtimes/local/sandboxes", `${sandboxId}.json`);
  const record = JSON.parse(await readFile(file, "utf8")) as { process: { pid: number } };
  return record.process.pid;
}
