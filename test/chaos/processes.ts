import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ChaosRuntime } from "./gateway.js";

const run = promisify(execFile);

/** A sandbox's processes, as the machine numbers them. */
export interface SandboxProcesses {
  kerneld: number;
  zygote: number;
  /** Leaders of sessions of their own whom the zygote has made. */
  kernels: number[];
  /** All of them. */
  all: number[];
}

interface Process {
  pid: number;
  parent: number;
  session: number;
  started: number;
}

/** What runs in a sandbox now; undefined when it is gone, or has not begun. */
export async function processesOf(
  runtime: ChaosRuntime,
  home: string,
  sandboxId: string,
): Promise<SandboxProcesses | undefined> {
  const kerneld = await (runtime === "docker"
    ? containerPid(sandboxId)
    : recordedPid(home, sandboxId));
  if (kerneld === undefined) return undefined;
  const all = await machineProcesses();
  const within = descendants(all, kerneld);
  const [zygote] = within
    .filter(({ parent }) => parent === kerneld)
    .sort((one, other) => one.started - other.started);
  if (zygote === undefined) return undefined;
  const kernels = within.filter(
    ({ pid, parent, session }) => parent === zygote.pid && session === pid,
  );
  return {
    kerneld,
    zygote: zygote.pid,
    kernels: kernels.map(({ pid }) => pid),
    all: [kerneld, ...within.map(({ pid }) => pid)],
  };
}

/** Sends a signal to those that are still there. Returns how many were. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): number {
  return pids.filter((pid) => {
    try {
      return process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
      throw error;
    }
  }).length;
}

async function containerPid(sandboxId: string): Promise<number | undefined> {
  const label = `label=hotcell.sandbox=${sandboxId}`;
  const { stdout } = await run("docker", ["ps", "-q", "--filter", label]);
  if (stdout.trim() === "") return undefined;
  const inspect = ["inspect", "--format", "{{.State.Pid}}", stdout.trim()];
  const answer = await run("docker", inspect).catch(() => undefined);
  const pid = Number(answer?.stdout ?? 0);
  return pid > 1 ? pid : undefined;
}

async function recordedPid(home: string, sandboxId: string): Promise<number | undefined> {
  const file = join(home, "runtimes/local/sandboxes", `${sandboxId}.json`);
  const content = await readFile(file, "utf8").catch(() => undefined);
  if (content === undefined) return undefined;
  return (JSON.parse(content) as { process?: { pid: number } }).process?.pid;
}

/** Fields of proc(5)'s `stat`, counted behind the command's closing bracket. */
const PARENT = 1;
const SESSION = 3;
const STARTED = 19;

async function machineProcesses(): Promise<Process[]> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(
    names.map((name) => readFile(`/proc/${name}/stat`, "utf8").catch(() => undefined)),
  );
  return stats.flatMap((stat) => {
    if (stat === undefined) return [];
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return [];
    return {
      pid: Number.parseInt(stat, 10),
      parent: Number(fields[PARENT]),
      session: Number(fields[SESSION]),
      started: Number(fields[STARTED]),
    };
  });
}

function descendants(all: readonly Process[], of: number): Process[] {
  const children = all.filter(({ parent }) => parent === of);
  return children.flatMap((child) => [child, ...descendants(all, child.pid)]);
}
