import { setMaxListeners } from "node:events";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { type Bench, type Benchmark, type Result, resultOf } from "./benchmark.js";
import { createClient } from "./client.js";
import { firstByte } from "./first-byte.js";
import { startGatewayProcess } from "./gateway-process.js";
import { idleMemory } from "./idle-memory.js";
import { kernelRestart } from "./kernel-restart.js";
import { largeOutput } from "./large-output.js";
import { manyLines } from "./many-lines.js";
import { sessionStart } from "./session-start.js";
import { sessionsAtOnce } from "./sessions-at-once.js";
import { socketExecution } from "./socket-execution.js";
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
  kernelRestart,
  sessionsAtOnce,
];

const HELP = `Measures what Hotcell claims, on this machine, with a gateway of its own.

Usage
  npm run bench -- [options]

  --only NAME          this benchmark; may be given several times
  --json               print JSON instead of a table
  --profile DIRECTORY  have Node write a CPU profile of the gateway there
  --help

Benchmarks: ${BENCHMARKS.map(({ name }) => name).join(", ")}

It needs Linux and a Docker engine. Exit code 1: a benchmark could not be run or got a wrong answer.
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
    process.stderr.write(`${benchmark.name} …\n`);
    try {
      const measurements = await benchmark.run(bench);
      results.push(...measurements.map((measurement) => resultOf(benchmark.name, measurement)));
    } catch (error) {
      if (bench.signal.aborted) break;
      process.stderr.write(`${benchmark.name} failed: ${String(error)}\n`);
      process.exitCode = 1;
    }
  }
  return results;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true },
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
  const gateway = await startGatewayProcess({ signal, profileDirectory: values.profile });
  const client = createClient(gateway.url, gateway.key, signal);
  try {
    const results = await runAll({ gateway, client, signal }, benchmarks);
    if (values.json) {
      const report = { machine: before, load_after: machine().load, results };
      process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    } else if (results.length > 0) {
      process.stdout.write(`\n${table(results)}\n`);
      process.stdout.write(
        `${before.processors}, load ${before.load[0] ?? 0} before and ${machine().load[0] ?? 0} after, Node ${process.version}\n`,
      );
    }
  } finally {
    client.close();
    await gateway.close();
  }
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
