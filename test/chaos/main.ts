import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chaos } from "./chaos.js";
import type { ChaosRuntime } from "./gateway.js";

const HELP = `Runs code in sandboxes of a gateway of its own, breaks everything meanwhile, and checks that no run loses,
doubles or reorders anything, that each ends once and truthfully, and that no sandbox is left behind.

Usage
  npm run chaos -- [options]

  --minutes NUMBER       how long new runs begin, 5
  --runtime NAME         local or docker, local
  --seed NUMBER          the plan of runs and faults, 1
  --transcripts DIRECTORY  where runs that went wrong are written down; a new one in the temporary directory
  --keep-gateway         does not kill the gateway
  --help

It needs what the runtime needs, and dist/ (npm run build). Images are taken from HOTCELL_IMAGES, and built where they are
missing. Exit code 1: something was violated.
`;

/** How often it says how far it has come. */
const SAY_EVERY_MS = 10_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "5" },
      runtime: { type: "string", default: "local" },
      seed: { type: "string", default: "1" },
      transcripts: { type: "string" },
      "keep-gateway": { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => stop.abort(new Error("stopped")));
  }
  const directory = values.transcripts ?? (await mkdtemp(join(tmpdir(), "hotcell-chaos-")));
  process.stderr.write(`Transcripts of what goes wrong, and the gateway's log: ${directory}\n`);
  let said = 0;
  const report = await chaos({
    runtime: runtimeNamed(values.runtime),
    seed: numberOf("--seed", values.seed),
    seconds: numberOf("--minutes", values.minutes) * 60,
    batches: 1,
    keepGateway: values["keep-gateway"],
    imagesDirectory: process.env["HOTCELL_IMAGES"],
    directory,
    signal: stop.signal,
    onProgress: (soFar) => {
      if (performance.now() - said < SAY_EVERY_MS) return;
      said = performance.now();
      process.stderr.write(`${soFar.progress()}\n`);
    },
  });
  process.stdout.write(`${report.table()}\n`);
  if (report.violations.length > 0 || stop.signal.aborted) process.exitCode = 1;
}

function runtimeNamed(name: string): ChaosRuntime {
  if (name === "local" || name === "docker") return name;
  throw new Error("--runtime is local or docker");
}

function numberOf(option: string, value: string): number {
  const number = Number(value);
  if (Number.isFinite(number) && number >= 0) return number;
  throw new Error(`${option} is a number`);
}

await main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
});
// All is closed and told; a connection that a fault has left half open is nobody's to wait for.
process.exit();
