import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sharedImages } from "../e2e/gateway-process.js";
import { runtime } from "../e2e/runtime.js";
import { chaos } from "./chaos.js";
import { SESSION_FAULTS } from "./plan.js";

/** New runs begin for so long. For 40 seconds of them, the time of the longest fault, the gateway is not killed. */
const SECONDS = 80;

/** So many batches of each lane have every fault among them, on however slow a machine. */
const BATCHES = 6;

const seed = Number(process.env["HOTCELL_CHAOS_SEED"] ?? 1);

it(
  `loses, doubles and reorders nothing, ends every run once and leaves no sandbox behind (seed ${seed})`,
  { timeout: 900_000 },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "hotcell-chaos-"));
    const report = await chaos({
      runtime,
      seed,
      seconds: SECONDS,
      batches: BATCHES,
      keepGateway: false,
      imagesDirectory: sharedImages()["HOTCELL_IMAGES"],
      directory,
      signal: new AbortController().signal,
    });
    process.stdout.write(`${report.table()}\n`);
    expect(report.violations).toEqual([]);
    const faults = [...report.faults.keys()];
    expect(faults).toEqual(expect.arrayContaining(["gateway killed", ...SESSION_FAULTS]));
  },
);
