import { once } from "node:events";
import { WebSocket } from "ws";
import type { Benchmark } from "./benchmark.js";
import { withRawKernel } from "./raw-kernel.js";
import { withSession } from "./session.js";
import { median } from "./statistics.js";

const ROUNDS = 4;
const A_ROUND = 75;
const WARM_UP = 20;

/** Executes once and waits for the last event. */
function execution(socket: WebSocket, ref: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      socket.off("message", onMessage);
      socket.off("close", onClose);
      signal.removeEventListener("abort", onClose);
    };
    const onMessage = (data: Buffer): void => {
      const text = data.toString("utf8");
      if (text.includes('"type":"problem"')) {
        settle();
        reject(new Error(text));
      } else if (text.includes('"type":"execution_finished"')) {
        settle();
        resolve();
      }
    };
    const onClose = (): void => {
      settle();
      reject(new Error("the socket closed"));
    };
    socket.on("message", onMessage);
    socket.on("close", onClose);
    signal.addEventListener("abort", onClose);
    socket.send(JSON.stringify({ op: "execute", ref, code: "1+1" }));
  });
}

/** Milliseconds of each `1+1`, one after another on one socket. */
async function executions(
  socket: WebSocket,
  count: number,
  signal: AbortSignal,
): Promise<number[]> {
  const samples: number[] = [];
  for (let done = 0; done < count; done += 1) {
    const start = performance.now();
    await execution(socket, String(done), signal);
    samples.push(performance.now() - start);
  }
  return samples;
}

export const socketExecution: Benchmark = {
  name: "socket-execution",
  run: (bench) =>
    withRawKernel(bench, (kernel) =>
      withSession(bench, {}, async (session) => {
        const { client, signal } = bench;
        const url = `${client.url.replace("http", "ws")}${session.path}/stream`;
        const socket = new WebSocket(url, { headers: client.headers });
        try {
          await once(socket, "open", { signal });
          await executions(socket, WARM_UP, signal);
          const raw: number[] = [];
          const service: number[] = [];
          for (let round = 0; round < ROUNDS; round += 1) {
            raw.push(...(await kernel.execute("1+1", A_ROUND)));
            service.push(...(await executions(socket, A_ROUND, signal)));
          }
          return [
            {
              what: "`1+1` over the WebSocket, warm session",
              unit: "ms",
              samples: service,
              target: { atMost: median(raw) + 1.5 },
              baseline: { what: "stock ipykernel over raw ZeroMQ", samples: raw },
              note: "the target is the baseline + 1.5 ms",
            },
          ];
        } finally {
          socket.terminate();
        }
      }),
    ),
};
