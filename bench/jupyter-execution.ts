import { z } from "zod";
import type { Bench, Benchmark, Measurement } from "./benchmark.js";
import { createClient, jsonOf } from "./client.js";
import { type JupyterChannels, openChannels } from "./jupyter-channels.js";
import { type RawKernel, withRawKernel } from "./raw-kernel.js";
import { withSession } from "./session.js";
import { median } from "./statistics.js";
import { startStockJupyterServer } from "./stock-jupyter-server.js";

const ROUNDS = 4;
const A_ROUND = 75;
const WARM_UP = 20;
const ECHOES = 10;
const BUFFER = Buffer.alloc(1024 * 1024, "hotcell ");

const ECHO = `get_ipython().kernel.comm_manager.register_target("echo", lambda comm, _: comm.on_msg(
    lambda message: comm.send(message["content"]["data"], buffers=message["buffers"])))`;

const kernels = z.array(z.object({ id: z.string() })).min(1);
const kernel = z.object({ id: z.string() });

/** What one server makes of the same requests. */
interface Timings {
  sum: number[];
  echo: number[];
}

interface Measured extends Timings {
  channels: JupyterChannels;
  comm: string;
}

async function prepare(channels: JupyterChannels): Promise<Measured> {
  await channels.execute(ECHO);
  for (let done = 0; done < WARM_UP; done += 1) await channels.execute("1+1");
  return { channels, comm: channels.openComm("echo"), sum: [], echo: [] };
}

async function round({ channels, comm, sum, echo }: Measured): Promise<void> {
  for (let done = 0; done < A_ROUND; done += 1) {
    const { ms, result } = await channels.execute("1+1");
    if (result !== "2") throw new Error(`1+1 is ${result ?? "nothing"}`);
    sum.push(ms);
  }
  for (let done = 0; done < ECHOES; done += 1) {
    const { ms, buffers } = await channels.echo(comm, BUFFER);
    if (buffers.length !== 1 || buffers[0]?.equals(BUFFER) !== true) {
      throw new Error("another buffer came back than was sent");
    }
    echo.push(ms);
  }
}

/** The channels of a session's kernel, for as long as the work takes. */
function withHotcell<Result>(
  bench: Bench,
  work: (channels: JupyterChannels) => Promise<Result>,
): Promise<Result> {
  const { client, signal } = bench;
  return withSession(bench, {}, async ({ path }) => {
    const api = `${path}/jupyter/api/kernels`;
    const [first] = kernels.parse(jsonOf(await client.request("GET", api)));
    const url = `${client.url}${api}/${first?.id ?? ""}/channels`;
    const channels = await openChannels(url, client.headers, signal);
    try {
      return await work(channels);
    } finally {
      channels.close();
    }
  });
}

/** The channels of a kernel of a stock server; none where that cannot be had. */
async function withStockServer<Result>(
  { signal }: Bench,
  work: (channels: JupyterChannels | undefined) => Promise<Result>,
): Promise<Result> {
  const server = await startStockJupyterServer(signal).catch((error: unknown) => {
    signal.throwIfAborted();
    process.stderr.write(`skipped: a stock jupyter_server from PyPI (${String(error)})\n`);
  });
  if (!server) return work(undefined);
  const client = createClient(server.url, server.headers, signal);
  try {
    const made = await client.request("POST", "/api/kernels", { body: {} });
    const { id } = kernel.parse(jsonOf(made, 201));
    const url = `${server.url}/api/kernels/${id}/channels`;
    const channels = await openChannels(url, server.headers, signal);
    try {
      return await work(channels);
    } finally {
      channels.close();
      await client.request("DELETE", `/api/kernels/${id}`);
    }
  } finally {
    client.close();
    await server.close();
  }
}

function measurements(own: Timings, stock: Timings | undefined, raw: number[]): Measurement[] {
  const over = "over the Jupyter WebSocket (v1)";
  const all: Measurement[] = [
    {
      what: `\`1+1\` ${over}`,
      unit: "ms",
      samples: own.sum,
      target: { atMost: median(raw) + 1 },
      baseline: { what: "stock ipykernel over raw ZeroMQ", samples: raw },
      note: "the target is the baseline + 1 ms",
    },
    {
      what: `a comm's message with a buffer of 1 MiB, there and back ${over}`,
      unit: "ms",
      samples: own.echo,
      ...(stock ? { baseline: { what: "stock jupyter_server", samples: stock.echo } } : {}),
    },
  ];
  if (stock) {
    all.push({
      what: `\`1+1\` ${over}, stock jupyter_server without a sandbox`,
      unit: "ms",
      samples: stock.sum,
      baseline: { what: "stock ipykernel over raw ZeroMQ", samples: raw },
    });
  }
  return all;
}

async function compare(
  raw: RawKernel,
  own: Measured,
  stock: Measured | undefined,
): Promise<Measurement[]> {
  const sums: number[] = [];
  for (let done = 0; done < ROUNDS; done += 1) {
    sums.push(...(await raw.execute("1+1", A_ROUND)));
    await round(own);
    if (stock) await round(stock);
  }
  return measurements(own, stock, sums);
}

export const jupyterExecution: Benchmark = {
  name: "jupyter-execution",
  run: (bench) =>
    withRawKernel(bench, (raw) =>
      withHotcell(bench, (channels) =>
        withStockServer(bench, async (stock) =>
          compare(raw, await prepare(channels), stock && (await prepare(stock))),
        ),
      ),
    ),
};
