import type { Socket } from "node:net";
import { z } from "zod";

import { parseJson } from "./json.js";
import { FRAME_KIND, createJupyterFrameParser, frameHead } from "./jupyter-frames.js";
import { LinkError, violation } from "./link-error.js";
import type { SandboxLink } from "./link.js";
import { kernelId, text } from "./untrusted.js";

const PROTOCOL = "hotcell-jupyter-1";
const ANSWER_WITHIN_MS = 15_000;
const LARGEST_NUMBER = 2 ** 32 - 1;
const NOTHING = Buffer.alloc(0);

const attachedSchema = z.object({ number: z.number().int().min(0).max(LARGEST_NUMBER) });
const closedSchema = z.object({ code: text(64), detail: text(500).catch("") });

/** Why kerneld ends a client. */
export type ChannelEnd = z.output<typeof closedSchema>;

/** Who listens on a channel. */
export interface ChannelListener {
  /** A message of the kernel's, as a frame of `v1.kernel.websocket.jupyter.org`; several listeners share it. */
  message(frame: SharedFrame): void;
  /** More may be sent again. */
  drained(): void;
  /** Bytes that the client has not taken. */
  backlog(): number;
  /** Resolves when the client has taken all that it was given so far, or has gone. */
  flushed(): Promise<void>;
  /** The client is too slow: let it go. */
  overrun(): void;
  /** The last call: kerneld has ended the client, or the way to it broke. */
  closed(end: ChannelEnd | Error): void;
}

/** When the quickest of a kernel's clients is so far behind, the kernel waits for it. */
const HOLD_BYTES = 4 * 1024 * 1024;
/** For so long; then the clients that are behind are let go. */
const HOLD_MS = 5_000;
/** Who is so far behind is let go at once: a slow client neither holds up the others nor takes all memory. */
const MOST_BACKLOG_BYTES = 32 * 1024 * 1024;

/** One message for all clients of a kernel; what is made from it for one of them is kept for the others. */
export class SharedFrame {
  readonly #made = new Map<string, unknown>();

  constructor(readonly v1: Buffer) {}

  /** What `make` gave the first time that this name was asked for. */
  once<Value>(name: string, make: (v1: Buffer) => Value): Value {
    if (!this.#made.has(name)) this.#made.set(name, make(this.v1));
    return this.#made.get(name) as Value;
  }
}

/** A Jupyter client's channels to a kernel. */
export interface KernelChannel {
  /** Sends a frame of the v1 protocol. False when the listener should wait for `drained`. */
  send(frame: Buffer): boolean;
  /** The client has gone, with so many bytes that it has not taken. Idempotent. */
  close(missedBytes: number): void;
}

export interface ChannelOptions {
  kernel: string;
  /** Jupyter's `session_id`; null for a client that has none, for which nothing is kept. */
  session: string | null;
}

/** All Jupyter clients of one sandbox, on one connection that is there while any of them is. */
export interface JupyterChannels {
  /** Sends may begin at once; how it went is told to the listener. */
  attach(options: ChannelOptions, listener: ChannelListener): KernelChannel;
  /** How many clients a kernel has. */
  connections(kernel: string): number;
  /** Ends every client with the error. Idempotent. */
  close(error: Error): void;
}

interface Client {
  kernel: string;
  /** kerneld's number of the kernel, by which it addresses all its clients; null before it has answered. */
  kernelNumber: number | null;
  listener: ChannelListener;
}

export function createJupyterChannels(link: SandboxLink): JupyterChannels {
  const clients = new Map<number, Client>();
  /** Kernels that wait for their clients. */
  const held = new Set<number>();
  const byKernel = new Map<number, Set<Client>>();
  let connection: Connection | undefined;
  let nextNumber = 1;
  let ended: Error | undefined;

  const forget = (number: number): Client | undefined => {
    const client = clients.get(number);
    if (client === undefined) return undefined;
    clients.delete(number);
    if (client.kernelNumber !== null) {
      const members = byKernel.get(client.kernelNumber);
      members?.delete(client);
      if (members?.size === 0) byKernel.delete(client.kernelNumber);
    }
    if (clients.size === 0) {
      connection?.end();
      connection = undefined;
    }
    return client;
  };

  const endAll = (error: Error) => {
    connection?.destroy();
    connection = undefined;
    byKernel.clear();
    held.clear();
    const all = [...clients.values()];
    clients.clear();
    for (const { listener } of all) listener.closed(error);
  };

  /** What the client has not taken then. */
  const give = (listener: ChannelListener, frame: SharedFrame): number => {
    if (listener.backlog() > MOST_BACKLOG_BYTES) listener.overrun();
    listener.message(frame);
    return listener.backlog();
  };

  /** Has the kernel wait until its quickest client has taken everything. */
  const hold = (kernel: number, members: ReadonlySet<Client>) => {
    if (held.has(kernel)) return;
    held.add(kernel);
    connection?.write(FRAME_KIND.hold, kernel, NOTHING);
    const goOn = () => {
      clearTimeout(timer);
      if (held.delete(kernel)) connection?.write(FRAME_KIND.resume, kernel, NOTHING);
    };
    const timer = setTimeout(() => {
      for (const { listener } of [...members]) {
        if (listener.backlog() > HOLD_BYTES) listener.overrun();
      }
      goOn();
    }, HOLD_MS);
    void Promise.race([...members].map(({ listener }) => listener.flushed())).then(goOn);
  };

  const take = (kind: number, target: number, payload: Buffer) => {
    switch (kind) {
      case FRAME_KIND.broadcast: {
        const members = byKernel.get(target);
        if (members === undefined) return;
        const shared = new SharedFrame(payload);
        let least = Infinity;
        for (const { listener } of [...members]) least = Math.min(least, give(listener, shared));
        if (least > HOLD_BYTES && members.size > 0) hold(target, members);
        return;
      }
      case FRAME_KIND.message: {
        const client = clients.get(target);
        if (client !== undefined) give(client.listener, new SharedFrame(payload));
        return;
      }
      case FRAME_KIND.attach: {
        const { number } = checked(attachedSchema, payload);
        const client = clients.get(target);
        if (client === undefined || client.kernelNumber !== null) return;
        client.kernelNumber = number;
        const members = byKernel.get(number) ?? new Set();
        byKernel.set(number, members.add(client));
        return;
      }
      case FRAME_KIND.closed: {
        const end = checked(closedSchema, payload);
        forget(target)?.listener.closed(end);
        return;
      }
      default:
        throw violation("a frame of no known kind");
    }
  };

  const open = (): Connection => {
    const opened: Connection = openConnection(link, {
      frame: take,
      drained: () => {
        for (const { listener } of clients.values()) listener.drained();
      },
      broken: (error) => {
        if (connection === opened) endAll(error);
      },
    });
    return opened;
  };

  return {
    attach({ kernel, session }, listener) {
      if (ended !== undefined) throw ended;
      const id = kernelId.parse(kernel);
      const number = nextNumber;
      nextNumber = nextNumber === LARGEST_NUMBER ? 1 : nextNumber + 1;
      clients.set(number, { kernel: id, kernelNumber: null, listener });
      connection ??= open();
      const body = { kernel: id, session };
      connection.write(FRAME_KIND.attach, number, Buffer.from(JSON.stringify(body)));
      return {
        send: (frame) =>
          !clients.has(number) || (connection?.write(FRAME_KIND.message, number, frame) ?? true),
        close: (missed) => {
          if (!clients.has(number)) return;
          const left = Buffer.from(JSON.stringify({ missed_bytes: missed }));
          connection?.write(FRAME_KIND.detach, number, left);
          forget(number);
        },
      };
    },
    connections: (kernel) =>
      [...clients.values()].filter((client) => client.kernel === kernel).length,
    close: (error) => {
      ended ??= error;
      endAll(ended);
    },
  };
}

interface Connection {
  write(kind: number, target: number, payload: Buffer): boolean;
  /** Closes it once everything is written. */
  end(): void;
  destroy(): void;
}

interface ConnectionOwner {
  frame(kind: number, target: number, payload: Buffer): void;
  drained(): void;
  broken(error: Error): void;
}

/** Opens in the background; what is written before is kept. */
function openConnection(link: SandboxLink, owner: ConnectionOwner): Connection {
  const stop = new AbortController();
  let socket: Socket | undefined;
  let early: Buffer[] = [];
  let ending = false;
  let over = false;

  const fail = (error: Error) => {
    if (over) return;
    over = true;
    socket?.destroy();
    if (error instanceof LinkError && error.code === "sandbox_protocol_violation") {
      link.events.emit("violation", error);
    }
    owner.broken(error);
  };

  const serve = ({ socket: opened, head }: { socket: Socket; head: Buffer }) => {
    socket = opened;
    const parser = createJupyterFrameParser();
    const account = link.account;
    let paused = false;
    const read = (chunk: Buffer) => {
      if (over) return;
      try {
        for (const { kind, target, payload } of parser.push(chunk))
          owner.frame(kind, target, payload);
      } catch (error) {
        fail(error as Error);
        return;
      }
      if (account.spend(chunk.length) || paused) return;
      paused = true;
      opened.pause();
      account.turn(() => {
        paused = false;
        opened.resume();
      });
    };
    opened.on("data", read);
    opened.on("drain", () => owner.drained());
    opened.on("close", () =>
      fail(new LinkError("sandbox_unreachable", "the connection of the Jupyter clients broke")),
    );
    for (const data of early) opened.write(data);
    early = [];
    if (head.length > 0) read(head);
    if (ending) opened.end();
    else opened.resume();
  };

  link
    .upgrade({
      path: "/channels",
      protocol: PROTOCOL,
      answerWithinMs: ANSWER_WITHIN_MS,
      signal: stop.signal,
    })
    .then(
      (upgraded) => {
        if (over) upgraded.socket.destroy();
        else serve(upgraded);
      },
      (error: unknown) => fail(error as Error),
    );

  return {
    write: (kind, target, payload) => {
      const head = frameHead(kind, target, payload.length);
      if (socket === undefined) {
        early.push(head, payload);
        return true;
      }
      socket.cork();
      socket.write(head);
      const room = socket.write(payload);
      process.nextTick(() => socket?.uncork());
      return room;
    },
    end: () => {
      ending = true;
      over = true;
      if (socket === undefined) return;
      socket.end();
    },
    destroy: () => {
      over = true;
      stop.abort(new LinkError("sandbox_unreachable", "nobody needs the connection any more"));
      socket?.destroy();
    },
  };
}

function checked<Schema extends z.ZodType>(schema: Schema, payload: Buffer): z.output<Schema> {
  const parsed = schema.safeParse(parseJson(payload));
  if (!parsed.success) throw violation("a frame that kerneld never sends", parsed.error);
  return parsed.data;
}
