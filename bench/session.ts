import { randomUUID } from "node:crypto";
import { z } from "zod";
import { type Answer, jsonOf, milliseconds } from "./client.js";
import type { Bench } from "./benchmark.js";
import { eventsOf, finishedOf, standardOutput } from "./events.js";

const execution = z.object({ status: z.string(), text: z.string() });

/** Past what any benchmark prints. */
const OUTPUT_BYTES = 256 * 1024 * 1024;

export interface SessionOptions {
  files?: { path: string; content: string }[];
}

/** A session, as the benchmarks use it. */
export interface Session {
  readonly path: string;
  /** Executes code for JSON; it must go well. */
  execute(code: string): Promise<{ text: string; ms: number }>;
  /** Executes code for its events, with the limit of output raised. */
  stream(code: string): Promise<Answer>;
  /** What code prints; it must go well. */
  printed(code: string): Promise<string>;
}

export function sessionAt({ client }: Pick<Bench, "client">, id: string): Session {
  const path = `/v1/sessions/${id}`;
  const stream = (code: string): Promise<Answer> =>
    client.request("POST", `${path}/execute`, {
      body: { code, max_output_bytes: OUTPUT_BYTES },
      accept: "text/event-stream",
    });
  return {
    path,
    stream,
    execute: async (code) => {
      const answer = await client.request("POST", `${path}/execute`, { body: { code } });
      const { status, text } = execution.parse(jsonOf(answer));
      if (status !== "ok") throw new Error(`the execution ended with ${status}: ${text}`);
      return { text, ms: milliseconds(answer) };
    },
    printed: async (code) => {
      const events = eventsOf(await stream(code));
      finishedOf(events);
      return standardOutput(events);
    },
  };
}

/** A session for as long as the work takes. */
export async function withSession<Result>(
  bench: Pick<Bench, "client">,
  options: SessionOptions,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  const session = sessionAt(bench, `bench-${randomUUID()}`);
  jsonOf(await bench.client.request("PUT", session.path, { body: options }), 201);
  try {
    return await work(session);
  } finally {
    await bench.client.request("DELETE", session.path);
  }
}
