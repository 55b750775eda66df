import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Bench } from "./benchmark.js";
import { type Session, withSession } from "./session.js";

const PROGRAM = readFileSync(new URL("raw_kernel.py", import.meta.url), "utf8");
const WARM_UP = 20;

const numbers = z.array(z.number());

/** The program that drives kernels from within, as a file of a session. */
export const rawKernelFile = { path: "raw_kernel.py", content: PROGRAM };

/** A stock kernel in a sandbox of the same shape, driven over ZeroMQ from within that sandbox. */
export interface RawKernel {
  /** Milliseconds of each execution, from the request to reply and idle. */
  execute(code: string, count: number): Promise<number[]>;
  /** Milliseconds from each flush to its text's arrival. */
  flushDelays(count: number): Promise<number[]>;
}

export function withRawKernel<Result>(
  bench: Bench,
  work: (kernel: RawKernel) => Promise<Result>,
): Promise<Result> {
  return withSession(bench, { files: [rawKernelFile] }, async (session) => {
    await session.execute("import json, raw_kernel; raw = raw_kernel.RawKernel.stock()");
    await session.execute(`raw.milliseconds("1+1", ${WARM_UP}) and None`);
    return work(rawKernelIn(session));
  });
}

function rawKernelIn(session: Session): RawKernel {
  const call = async (expression: string): Promise<number[]> =>
    numbers.parse(JSON.parse(await session.printed(`print(json.dumps(${expression}))`)));
  return {
    execute: (code, count) => call(`raw.milliseconds(${JSON.stringify(code)}, ${count})`),
    flushDelays: (count) => call(`raw.flush_delays_ms(${count})`),
  };
}
