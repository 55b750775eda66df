import { type ReadonlySignal, signal } from "@preact/signals";
import * as z from "zod/mini";
import { Hotcell, HotcellError } from "../../../src/client/index.js";
import { readStored, writeStored } from "./stored-value.js";

/** How the page stands with the gateway. */
export type Connection = "online" | "lost" | "key-needed";

/** The gateway that served the page. */
export interface Gateway {
  readonly client: Hotcell;
  /** A client whose requests go another way than the browser's `fetch`, and are watched as all are. */
  clientOver: (send: typeof fetch) => Hotcell;
  readonly connection: ReadonlySignal<Connection>;
  /**
   * Whether an execution waits for an answer to its `input()`. Throws HotcellError `gateway_unreachable` where the
   * gateway cannot say.
   */
  isWaitingForInput: (
    sessionId: string,
    executionId: string,
    signal: AbortSignal,
  ) => Promise<boolean>;
  /** Resolves once the gateway answers and accepts the page; at once where it does. */
  whenOnline: (signal: AbortSignal) => Promise<void>;
  /** Asks now whether the gateway is there again. */
  probe: () => Promise<void>;
  /** Tries a key, and keeps it for this tab where it is good. */
  useKey: (key: string) => Promise<boolean>;
  close: () => void;
}

const executionList = z.object({
  executions: z.array(z.object({ id: z.string(), waiting_for_input: z.boolean() })),
});

const KEY = "hotcell.key";
/** Pauses between probes of a gateway that is away, in milliseconds. */
const PROBE_PAUSES = [500, 1000, 2000, 4000, 8000];
const PROBE_WITHIN_MS = 5000;

/** The page's own gateway. It watches every call: one that fails makes the connection count as lost. */
export function connectGateway(): Gateway {
  const connection = signal<Connection>("online");
  const closing = new AbortController();
  let key = readStored("session", KEY);
  let pauses = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const withKey = (init: RequestInit | undefined, candidate = key): RequestInit => {
    const headers = new Headers(init?.headers);
    if (candidate !== undefined) headers.set("authorization", `Bearer ${candidate}`);
    return { ...init, headers };
  };

  const scheduleProbe = () => {
    if (timer !== undefined || closing.signal.aborted) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        void probe();
      },
      PROBE_PAUSES[Math.min(pauses, PROBE_PAUSES.length - 1)],
    );
    pauses += 1;
  };

  const lost = () => {
    if (connection.value === "online") connection.value = "lost";
    if (connection.value === "lost") scheduleProbe();
  };

  const heard = (status: number) => {
    if (status === 401) connection.value = "key-needed";
    else if (connection.value === "lost" || status < 400) {
      pauses = 0;
      connection.value = "online";
    }
  };

  const watched =
    (send: typeof fetch): typeof fetch =>
    async (input, init) => {
      try {
        const response = await send(input, withKey(init));
        heard(response.status);
        return response;
      } catch (error) {
        if (init?.signal?.aborted !== true) lost();
        throw error;
      }
    };
  const watchedFetch = watched((input, init) => fetch(input, init));

  const probe = async () => {
    if (connection.value !== "lost") return;
    clearTimeout(timer);
    timer = undefined;
    try {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(PROBE_WITHIN_MS)]);
      const response = await fetch("/healthz", { signal, cache: "no-store" });
      if (response.ok) heard(response.status);
      else scheduleProbe();
    } catch {
      scheduleProbe();
    }
  };

  const onNetwork = () => void probe();
  window.addEventListener("online", onNetwork, { signal: closing.signal });
  document.addEventListener("visibilitychange", onNetwork, { signal: closing.signal });

  return {
    client: new Hotcell({ url: window.location.origin, fetch: watchedFetch }),
    clientOver: (send) => new Hotcell({ url: window.location.origin, fetch: watched(send) }),
    connection,
    async isWaitingForInput(sessionId, executionId, signal) {
      const path = `/v1/sessions/${encodeURIComponent(sessionId)}/executions`;
      const list = async (): Promise<unknown> => {
        try {
          const response = await watchedFetch(path, { signal });
          if (response.status < 500) return await response.json();
        } catch {
          signal.throwIfAborted();
        }
        throw new HotcellError("gateway_unreachable", "The gateway does not answer");
      };
      const parsed = z.safeParse(executionList, await list());
      const found = parsed.data?.executions.find((entry) => entry.id === executionId);
      return found?.waiting_for_input ?? false;
    },
    whenOnline: (aborted) =>
      new Promise((resolve, reject) => {
        const stop = connection.subscribe((state) => {
          if (state !== "online") return;
          resolve();
          queueMicrotask(() => stop());
        });
        aborted.addEventListener("abort", () => {
          stop();
          reject(aborted.reason as Error);
        });
      }),
    probe,
    async useKey(candidate) {
      const response = await fetch("/v1/sessions?limit=1", withKey(undefined, candidate));
      if (!response.ok) return false;
      key = candidate;
      writeStored("session", KEY, candidate);
      connection.value = "online";
      return true;
    },
    close() {
      closing.abort();
      clearTimeout(timer);
    },
  };
}
