import { once } from "node:events";
import { WebSocket } from "ws";
import type { Benchmark } from "./benchmark.js";
import { withSession } from "./session.js";

const COUNT = 300;
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
    withSession(bench, {}, async (session) => {
      const { client, signal } = bench;
      const url = `${client.url.replace("http", "ws")}${session.path}/stream`;
      const socket = new WebSocket(url, { headers: client.headers });
      try {
        await once(socket, "open", { signal });
        await executions(socket, WARM_UP, signal);
        const samples = await executions(socket, COUNT, signal);
        return [{ what: "`1+1` over the WebSocket, warm session", unit: "ms", samples }];
      } finally {
        socket.terminate();
      }
    }),
};
