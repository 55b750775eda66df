import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { WebSocket } from "ws";
import { z } from "zod";
import type { Bench, Benchmark } from "./benchmark.js";
import { jsonOf } from "./client.js";
import { privateBytes } from "./process-memory.js";
import { type Session, withSession } from "./session.js";

const SOCKETS = 5000;
const KERNELS = 5;
const AT_ONCE = 100;
const COUNT = 200;

const kernelModel = z.object({ id: z.string() });

/** Opens so many sockets of one kernel, into `sockets`. */
async function crowd(
  { client, signal }: Bench,
  channels: string,
  count: number,
  sockets: WebSocket[],
): Promise<void> {
  for (let opened = 0; opened < count; opened += AT_ONCE) {
    const opening = Array.from({ length: AT_ONCE }, () => {
      const url = `${client.url.replace("http", "ws")}${channels}?session_id=${randomUUID()}`;
      const socket = new WebSocket(url, { headers: client.headers });
      sockets.push(socket);
      return once(socket, "open", { signal });
    });
    await Promise.all(opening);
  }
}

async function executions(session: Session): Promise<number[]> {
  const samples: number[] = [];
  for (let done = 0; done < COUNT; done += 1) {
    const { text, ms } = await session.execute("1+1");
    if (text !== "2") throw new Error(`1+1 is ${text}`);
    samples.push(ms);
  }
  return samples;
}

export const jupyterSockets: Benchmark = {
  name: "jupyter-sockets",
  run: (bench) =>
    withSession(bench, {}, (crowded) =>
      withSession(bench, {}, async (neighbour) => {
        const sockets: WebSocket[] = [];
        try {
          await executions(neighbour);
          const alone = await executions(neighbour);
          const api = `${crowded.path}/jupyter/api/kernels`;
          const before = privateBytes(bench.gateway.pid);
          for (let made = 0; made < KERNELS; made += 1) {
            const answer = await bench.client.request("POST", api, { body: {} });
            const { id } = kernelModel.parse(jsonOf(answer, 201));
            await crowd(bench, `${api}/${id}/channels`, SOCKETS / KERNELS, sockets);
          }
          const each = (privateBytes(bench.gateway.pid) - before) / SOCKETS / 1e6;
          const samples = await executions(neighbour);
          if (sockets.some(({ readyState }) => readyState !== WebSocket.OPEN)) {
            throw new Error("a socket was closed");
          }
          return [
            {
              what: `\`1+1\` in a session beside one with ${SOCKETS} Jupyter sockets`,
              unit: "ms",
              samples,
              baseline: { what: "without them", samples: alone },
            },
            {
              what: `the gateway's memory for each of ${SOCKETS} Jupyter sockets`,
              unit: "MB",
              samples: [each],
              note: `${Math.round(each * 1000)} kB; of ${KERNELS} kernels of one session; each socket needs a file descriptor here and in the gateway (\`ulimit -n\`)`,
            },
          ];
        } finally {
          for (const socket of sockets) socket.terminate();
        }
      }),
    ),
};
