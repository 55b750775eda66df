import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { Bench, Benchmark, Measurement } from "./benchmark.js";
import { jsonOf } from "./client.js";
import { executeLive, type LiveExecution } from "./live-execution.js";
import { processNamed } from "./process-name.js";
import { type Session, withSession } from "./session.js";
import { epochOffsetMs } from "./wall-clock.js";

const ROUNDS = 25;
const WARM_UP = 2;

/** Notes the time in a file: what is printed right before may die with the kernel. */
const NOTE_TIME = `import ctypes, os, signal, time
with open("died", "w") as file: _ = file.write(str(time.time_ns()))
`;

const OWN_DEATHS = [
  { how: "SIGKILL to itself", code: "os.kill(os.getpid(), signal.SIGKILL)", reason: "signal 9" },
  { how: "`os._exit(1)`", code: "os._exit(1)", reason: "exit 1" },
  { how: "segmentation fault", code: "ctypes.string_at(0)", reason: "signal 11" },
];

async function deathOf({ finished }: LiveExecution, reason: string): Promise<number> {
  const { event, at } = await finished;
  if (event.status === "kernel_died" && event.reason === reason) return at;
  throw new Error(`the kernel did not die of ${reason}: ${JSON.stringify(event)}`);
}

/** Milliseconds from the code's last act to the arrival of the terminal event. */
async function ownDeath(
  bench: Bench,
  session: Session,
  { code, reason }: (typeof OWN_DEATHS)[number],
): Promise<number> {
  const offset = epochOffsetMs();
  const at = await deathOf(executeLive(bench, session, randomUUID(), NOTE_TIME + code), reason);
  const file = await bench.client.request("GET", `${session.path}/files/died`);
  return at + offset - z.number().parse(jsonOf(file)) / 1e6;
}

/** The same from a signal that this process sends. */
async function foreignDeath(bench: Bench, session: Session): Promise<number> {
  const name = randomUUID().slice(0, 15);
  const code = `import time
with open("/proc/self/comm", "w") as file: _ = file.write("${name}")
print("named", flush=True)
time.sleep(60)`;
  const execution = executeLive(bench, session, randomUUID(), code);
  await execution.first("stream");
  const kernel = processNamed(name);
  const killedAt = performance.now();
  process.kill(kernel, "SIGKILL");
  return (await deathOf(execution, "signal 9")) - killedAt;
}

async function measured(what: string, once: () => Promise<number>): Promise<Measurement> {
  const samples: number[] = [];
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    const ms = await once();
    if (round >= 0) samples.push(ms);
  }
  return { what, unit: "ms", samples, target: { atMost: 20 } };
}

export const kernelDeath: Benchmark = {
  name: "kernel-death",
  run: (bench) =>
    withSession(bench, {}, async (session) => {
      const measurements: Measurement[] = [];
      for (const death of OWN_DEATHS) {
        measurements.push(
          await measured(`${death.how} → terminal event`, () => ownDeath(bench, session, death)),
        );
      }
      measurements.push(
        await measured("SIGKILL to the kernel from outside → terminal event", () =>
          foreignDeath(bench, session),
        ),
      );
      return measurements;
    }),
};
