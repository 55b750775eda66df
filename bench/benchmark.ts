import type { Client } from "./client.js";
import type { SandboxImage } from "../src/runtimes/runtime.js";
import type { GatewayProcess } from "./gateway-process.js";
import { median, quantile } from "./statistics.js";

export type Unit = "ms" | "s" | "MB" | "MB/s";

/** What a benchmark measured. MB are 10^6 bytes. */
export interface Measurement {
  what: string;
  unit: Unit;
  samples: readonly number[];
  /** The median must be at most, or at least, this; without it the figure is for information. */
  target?: { atMost: number } | { atLeast: number };
  /** The same thing without the service, in the same run and unit. */
  baseline?: { what: string; samples: readonly number[] };
  /** What one must know to read the figure. */
  note?: string;
}

/** A measurement as it is reported. */
export interface Result {
  benchmark: string;
  runtime: BenchRuntime;
  what: string;
  unit: Unit;
  target: string | null;
  median: number;
  /** What 95 of 100 samples are not worse than. */
  p95: number;
  samples: number;
  baseline: { what: string; median: number; p95: number } | null;
  /** The median over the baseline's. */
  ratio: number | null;
  verdict: "met" | "missed" | null;
  note: string | null;
}

/** The runtimes that are measured where they work. */
export type BenchRuntime = "docker" | "local";

/** What a benchmark works with. */
export interface Bench {
  runtime: BenchRuntime;
  /** What the runtime makes sandboxes from. */
  image: SandboxImage;
  /** Where images are kept. */
  imagesDirectory: string;
  gateway: GatewayProcess;
  client: Client;
  /** Aborted when the bench is to stop; every request ends with it. */
  signal: AbortSignal;
}

export interface Benchmark {
  /** What `--only` selects it by. */
  name: string;
  /** Where it makes sense; everywhere by default. */
  runtimes?: readonly BenchRuntime[];
  /** @throws when an answer is not what it must be: a fast wrong answer is no figure */
  run(bench: Bench): Promise<Measurement[]>;
}

export function resultOf(
  benchmark: string,
  runtime: BenchRuntime,
  measurement: Measurement,
): Result {
  const { what, unit, samples, target, baseline, note } = measurement;
  const moreIsBetter = target !== undefined && "atLeast" in target;
  const worst = moreIsBetter ? 0.05 : 0.95;
  const middle = median(samples);
  return {
    benchmark,
    runtime,
    what,
    unit,
    target: target === undefined ? null : targetText(target, unit),
    median: middle,
    p95: quantile(samples, worst),
    samples: samples.length,
    baseline:
      baseline === undefined
        ? null
        : {
            what: baseline.what,
            median: median(baseline.samples),
            p95: quantile(baseline.samples, worst),
          },
    ratio: baseline === undefined ? null : middle / median(baseline.samples),
    verdict: target === undefined ? null : isMet(target, middle) ? "met" : "missed",
    note: note ?? null,
  };
}

type Target = NonNullable<Measurement["target"]>;

function isMet(target: Target, value: number): boolean {
  return "atLeast" in target ? value >= target.atLeast : value <= target.atMost;
}

function targetText(target: Target, unit: Unit): string {
  return "atLeast" in target
    ? `≥ ${format(target.atLeast)} ${unit}`
    : `≤ ${format(target.atMost)} ${unit}`;
}

/** Three significant digits, but no fewer than the integer part has. */
export function format(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}
