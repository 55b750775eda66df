import { Agent } from "node:http";
import { inspect } from "node:util";
import Docker from "dockerode";
import { RuntimeError } from "../runtime.js";
import { abortable } from "../abortable.js";
import { engineAddress } from "./engine-address.js";
import { socketPathOf, unreachable } from "./engine-socket.js";

/** How long the engine may take to answer. Making, starting and removing wait for its disks and its queue. */
const DEADLINE_MS = { short: 15_000, long: 120_000 };

export interface CallOptions {
  signal?: AbortSignal;
  patience?: keyof typeof DEADLINE_MS;
}

/** The connection to a Docker engine. */
export interface Engine {
  readonly docker: Docker;
  /** For people. */
  readonly address: string;
  /**
   * Runs one call, in time, and rejects with `runtime_unavailable` when the engine is not there, with the reason of
   * `signal` when that aborts, with the engine's own refusal otherwise (see `refusal`).
   */
  call<T>(run: (signal: AbortSignal) => Promise<T>, options?: CallOptions): Promise<T>;
}

/** The address is a URL as in `DOCKER_HOST`; by default that which the `docker` command would use. */
export function connectEngine(host?: string): Engine {
  const address = host ?? engineAddress(process.env);
  const socketPath = socketPathOf(address);
  // A kept connection can be one that the engine has just closed; a new one to a Unix socket costs nothing.
  const docker = socketPath
    ? new Docker({
        socketPath,
        agent: briefly(new Agent({ keepAlive: false })),
      } as Docker.DockerOptions)
    : new Docker(remote(address));

  return {
    docker,
    address,
    async call(run, { signal, patience = "short" } = {}) {
      signal?.throwIfAborted();
      const ending = new AbortController();
      const milliseconds = DEADLINE_MS[patience];
      const late = new RuntimeError(
        "runtime_unavailable",
        `The Docker engine at ${address} did not answer within ${milliseconds / 1000} s; ` +
          "see its log, and whether the machine is overloaded",
      );
      const timer = setTimeout(() => ending.abort(late), milliseconds);
      const onAbort = (): void => ending.abort(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      try {
        // An engine that dies in the middle of its answer leaves dockerode's promise pending for ever.
        return await abortable(run(ending.signal), ending.signal);
      } catch (error) {
        ending.signal.throwIfAborted();
        throw refusal(error) ? error : unreachable(address, error);
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      }
    },
  };
}

/**
 * docker-modem renders its options with everything in them for every request, whether it logs or not: with an agent's
 * sockets that is milliseconds of the loop each.
 */
function briefly(agent: Agent): Agent {
  return Object.assign(agent, { [inspect.custom]: () => "Agent" });
}

/** An answer of the engine with an error status. */
export interface Refusal {
  status: number;
  message: string;
}

/** The engine's refusal in an error that `call` threw, or undefined for other errors. */
export function refusal(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !("statusCode" in error)) return undefined;
  if (typeof error.statusCode !== "number") return undefined;
  const body: unknown = "json" in error ? error.json : undefined;
  const message =
    typeof body === "object" && body !== null && "message" in body
      ? String(body.message)
      : error.message;
  return { status: error.statusCode, message: message.trim() };
}

/** dockerode reads the certificates' place for TLS from the environment itself. */
function remote(address: string): Docker.DockerOptions {
  let url: URL;
  try {
    url = new URL(address);
  } catch (error) {
    throw new RuntimeError(
      "runtime_unavailable",
      `DOCKER_HOST is ${address}, which is no address of a Docker engine; an example is unix:///var/run/docker.sock`,
      { cause: error },
    );
  }
  const protocol =
    url.protocol === "ssh:"
      ? "ssh"
      : url.protocol === "https:" || process.env["DOCKER_TLS_VERIFY"] === "1"
        ? "https"
        : "http";
  return {
    protocol,
    host: url.hostname,
    port: url.port === "" ? undefined : url.port,
    username: url.username === "" ? undefined : url.username,
  };
}
