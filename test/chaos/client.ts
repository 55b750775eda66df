import { type IncomingMessage, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { ChaosGateway } from "./gateway.js";
import type { Wire } from "./wire.js";

export interface Answer {
  status: number;
  text: string;
}

/** What a problem document says. */
export interface Problem {
  code: string;
  detail: string;
}

/** Answers after which the same request may succeed: nothing has come of it. */
const TRANSIENT = new Set([502, 503, 504]);

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** A client that does not give up: over a wire that breaks, to a gateway that is killed. */
export class Client {
  constructor(
    private readonly gateway: Pick<ChaosGateway, "key" | "up">,
    private readonly wire: Pick<Wire, "port">,
    readonly signal: AbortSignal,
  ) {}

  get headers(): Record<string, string> {
    return { authorization: `Bearer ${this.gateway.key}` };
  }

  webSocketUrl(path: string): string {
    return `ws://127.0.0.1:${this.wire.port}/v1${path}`;
  }

  /** One request on a connection of its own. Rejects when the connection does. */
  async open(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<IncomingMessage> {
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: "127.0.0.1",
          port: this.wire.port,
          method,
          path: `/v1${path}`,
          agent: false,
          signal: this.signal,
          headers: {
            ...this.headers,
            ...(body === undefined ? {} : { "content-type": "application/json" }),
            ...options.headers,
          },
        },
        resolve,
      );
      sent.on("error", reject);
      sent.end(body);
    });
  }

  async call(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const response = await this.open(method, path, options);
    return { status: response.statusCode ?? 0, text: await textOf(response) };
  }

  /** The same until it is answered, and not with what passes. Only for what may be asked twice. */
  async insist(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const pause = this.patience();
    for (;;) {
      try {
        const answer = await this.call(method, path, options);
        if (!TRANSIENT.has(answer.status)) return answer;
      } catch {
        this.signal.throwIfAborted();
      }
      await pause();
    }
  }

  /** Waits a little longer each time, and until there is a gateway. */
  patience(): () => Promise<void> {
    let milliseconds = FIRST_PAUSE_MS;
    return async () => {
      await delay(milliseconds, undefined, { signal: this.signal });
      milliseconds = Math.min(milliseconds * 2, LONGEST_PAUSE_MS);
      await this.gateway.up();
    };
  }
}

export async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

export const isTransient = (status: number): boolean => TRANSIENT.has(status);

/** The problem that an answer's body is; something like one when it is none. */
export function problemOf(text: string): Problem {
  try {
    const said = JSON.parse(text) as Partial<Problem>;
    return { code: said.code ?? "?", detail: said.detail ?? text.slice(0, 200) };
  } catch {
    return { code: "?", detail: text.slice(0, 200) };
  }
}
