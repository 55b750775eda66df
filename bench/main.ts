import { setMaxListeners } from "node:events";
import { cpus, homedir, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { prepareImage, sandboxImage } from "../src/gateway/images.js";
import {
  type Bench,
  type Benchmark,
  type BenchRuntime,
  type Result,
  resultOf,
} from "./benchmark.js";
import { createClient } from "./client.js";
import { crowd } from "./crowd.js";
import { firstImport } from "./first-import.js";
import { firstByte } from "./first-byte.js";
import { startGatewayProcess } from "./gateway-process.js";
import { gatewayRestart } from "./gateway-restart.js";
import { idleMemory } from "./idle-memory.js";
import { interruption } from "./interruption.js";
import { journalCost } from "./journal-cost.js";
import { jupyterExecution } from "./jupyter-execution.js";
import { jupyterSockets } from "./jupyter-sockets.js";
import { kernelDeath } from "./kernel-death.js";
import { kernelRestart } from "./kernel-restart.js";
import { largeOutput } from "./large-output.js";
import { manyLines } from "./many-lines.js";
import { sandboxFork } from "./sandbox-fork.js";
import { secondKernel } from "./second-kernel.js";
import { sessionStart } from "./session-start.js";
import { sessionsAtOnce } from "./sessions-at-once.js";
import { socketExecution } from "./socket-execution.js";
import { stockKernel } from "./stock-kernel.js";
import { table } from "./table.js";
import { warmExecution } from "./warm-execution.js";

const BENCHMARKS: Benchmark[] = [
  warmExecution,
  firstByte,
  sessionStart,
  manyLines,
  largeOutput,
  idleMemory,
  socketExecution,
  jupyterExecution,
  jupyterSockets,
  kernelDeath,
  kernelRestart,
  interruption,
  secondKernel,
  gatewayRestart,
  journalCost,
  sessionsAtOnce,
  stockKernel,
  firstImport,
  sandboxFork,
  crowd,
];

const RUNTIMES = ["local", "docker"] as const satisfies readonly BenchRuntime[];

const HELP = `Measures what Hotcell claims, on this machine, with a gateway of its own.

Usage
  npm run bench -- [options]

  --only NAME          this benchmark; may be given several times
  --runtime NAME       on this runtime (local, docker); by default on both
  --json               print JSON instead of a table
  --profile DIRECTORY  have Node write a CPU profile of the gateway there
  --help

Benchmarks: ${BENCHMARKS.map(({ name }) => name).join(", ")}

It needs Linux, and a Docker engine for the runtime docker. Images are kept in HOTCELL_IMAGES, ~/.hotcell/images by default. Exit code 1: a benchmark could not be run or got a wrong answer.
`;

function machine(): { processors: string; load: number[] } {
  const processors = cpus();
  return {
    processors: `${processors.length} × ${processors[0]?.model.trim() ?? "unknown"}`,
    load: loadavg().map((load) => Number(load.toFixed(2))),
  };
}

function selected(names: string[] | undefined): Benchmark[] {
  if (names === undefined) return BENCHMARKS;
  return names.map((name) => {
    const found = BENCHMARKS.find((benchmark) => benchmark.name === name);
    if (found) return found;
    throw new Error(`there is no benchmark ${name}; see --help`);
  });
}

/** Runs them one after another; one that fails does not keep the others from running. */
async function runAll(bench: Bench, benchmarks: Benchmark[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const benchmark of benchmarks) {
    const { name, runtimes } = benchmark;
    if (runtimes?.includes(bench.runtime) === false) continue;
    process.stderr.write(`${name} (${bench.runtime}) …\n`);
    try {
      const measurements = await benchmark.run(bench);
      results.push(
        ...measurements.map((measurement) => resultOf(name, bench.runtime, measurement)),
      );
    } catch (error) {
      if (bench.signal.aborted) break;
      process.stderr.write(`${name} (${bench.runtime}) failed: ${String(error)}\n`);
      process.exitCode = 1;
    }
  }
  return results;
}

interface RunOptions {
  signal: AbortSignal;
  profileDirectory: string | undefined;
}

/** Runs benchmarks against a gateway with that runtime. */
async function runOn(
  runtime: BenchRuntime,
  benchmarks: Benchmark[],
  { signal, profileDirectory }: RunOptions,
): Promise<Result[]> {
  const imagesDirectory = process.env["HOTCELL_IMAGES"] ?? join(homedir(), ".hotcell", "images");
  const { reference } = await prepareImage("python", {
    runtime,
    imagesDirectory,
    signal,
    onProgress: ({ step, detail }) => process.stderr.write(`${step} ${detail ?? ""}\n`),
  });
  const image = sandboxImage(reference);
  const gateway = await startGatewayProcess({ signal, profileDirectory, runtime, imagesDirectory });
  const client = createClient(gateway.url, gateway.key, signal);
  try {
    return await runAll({ runtime, image, imagesDirectory, gateway, client, signal }, benchmarks);
  } finally {
    client.close();
    await gateway.close();
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true },
      runtime: { type: "string", multiple: true, default: [...RUNTIMES] },
      json: { type: "boolean", default: false },
      profile: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const benchmarks = selected(values.only);
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      process.exitCode = 1;
      stop.abort(new Error("stopped"));
    });
  }
  const { signal } = stop;
  setMaxListeners(Infinity, signal);
  const before = machine();
  const results: Result[] = [];
  for (const runtime of RUNTIMES.filter((name) => values.runtime.includes(name))) {
    try {
      results.push(
        ...(await runOn(runtime, benchmarks, { signal, profileDirectory: values.profile })),
      );
    } catch (error) {
      signal.throwIfAborted();
      process.exitCode = 1;
      process.stderr.write(
        `${runtime}: ${error instanceof Error ? error.message : String(error)}\n`,
      );
    }
  }
  if (values.json) {
    const report = { machine: before, load_after: machine().load, results };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  } else if (results.length > 0) {
    process.stdout.write(`\n${table(results)}\n`);
    process.stdout.write(
      `${before.processors}, load ${before.load[0] ?? 0} before and ${machine().load[0] ?? 0} after, Node ${process.version}\n`,
    );
  }
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
