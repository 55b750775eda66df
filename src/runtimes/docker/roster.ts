import type { SandboxEvent, UidPair } from "../runtime.js";
import type { Engine } from "./engine.js";
import { refusal } from "./engine.js";
import { subscribeEvents, type ContainerEvent } from "./event-subscription.js";
import { readSandboxLabels, SANDBOX_LABEL, sandboxName, type SandboxLabels } from "./labels.js";

/**
 * What is known of the sandboxes on the engine, kept true by its events: those of this home, to report their ends, and
 * those of other homes, to share no user id with them.
 */
export interface Roster {
  /** Resolves when the roster agrees with the engine. */
  ready(): Promise<void>;
  takenUids(): ReadonlySet<number>;
  /** A sandbox of this home is about to be made; what happens to it is kept back. */
  begin(sandboxId: string, uids: UidPair): void;
  /** It runs: what happened since is reported. */
  commit(sandboxId: string): void;
  /** It is not to be reported any more: it is being removed. */
  silence(sandboxId: string): void;
  /** It was not made, or has been removed. */
  forget(sandboxId: string): void;
  /** It could not be removed because the engine went away: `onAbandoned` is called when it is back. */
  abandon(sandboxId: string): void;
  /** A sandbox of this home runs. */
  learn(sandboxId: string): void;
  /** Whether the end of this sandbox is known. */
  hasEnded(sandboxId: string): boolean;
  /** Resolves when the engine tells, from now on, that the container is gone. */
  gone(sandboxId: string, signal: AbortSignal): Promise<void>;
  watch(listener: (event: SandboxEvent) => void): () => void;
  close(): Promise<void>;
}

export interface RosterOptions {
  engine: Engine;
  homeId: string;
  onAbandoned(sandboxId: string): void;
  onDisconnected(): void;
}

interface Entry extends SandboxLabels {
  state: "making" | "running" | "ended" | "silenced" | "abandoned";
  oom: boolean;
  /** When the last event was that is known of it. */
  lastTime: number;
  /** Events of a sandbox that is just being made. */
  heldBack: ContainerEvent[];
}

/** Starts to follow the engine at once. */
export function followSandboxes(options: RosterOptions): Roster {
  const { engine, homeId } = options;
  const entries = new Map<string, Entry>();
  const listeners = new Set<(event: SandboxEvent) => void>();
  const departures = new Map<string, Set<() => void>>();
  const closing = new AbortController();
  let ready = readiness();

  const own = (sandboxId: string): Entry | undefined => entries.get(sandboxName(homeId, sandboxId));

  function add(labels: SandboxLabels, state: Entry["state"]): Entry {
    const entry: Entry = { ...labels, state, oom: false, lastTime: 0, heldBack: [] };
    entries.set(sandboxName(labels.homeId, labels.sandboxId), entry);
    return entry;
  }

  function report(event: SandboxEvent): void {
    for (const listener of [...listeners]) listener(event);
  }

  function end(entry: Entry, exitCode: number | null): void {
    if (entry.homeId !== homeId || entry.state !== "running") return;
    entry.state = "ended";
    const { sandboxId, oom } = entry;
    const signal = exitCode !== null && exitCode > 128 && exitCode <= 192 ? exitCode - 128 : null;
    report({ type: "exited", sandboxId, exitCode, signal, oom });
  }

  function depart(name: string): void {
    const entry = entries.get(name);
    if (entry) end(entry, null);
    entries.delete(name);
  }

  function apply(name: string, entry: Entry, event: ContainerEvent): void {
    if (entry.state === "making") {
      entry.heldBack.push(event);
      return;
    }
    if (event.replayed && event.time <= entry.lastTime) return;
    entry.lastTime = Math.max(entry.lastTime, event.time);
    if (event.action === "oom") {
      entry.oom = true;
      if (entry.homeId === homeId && entry.state === "running") {
        const agoMs = event.replayed ? Math.max(0, Date.now() - event.time / 1e6) : 0;
        report({ type: "oom", sandboxId: entry.sandboxId, agoMs });
      }
    } else if (event.action === "die") {
      const exitCode = Number(event.attributes["exitCode"]);
      end(entry, Number.isInteger(exitCode) ? exitCode : null);
    } else if (event.action === "destroy") {
      depart(name);
    }
  }

  function tellGone(name: string): void {
    for (const resolve of departures.get(name) ?? []) resolve();
    departures.delete(name);
  }

  function onEvent(event: ContainerEvent): void {
    const labels = readSandboxLabels(event.attributes);
    if (!labels) return;
    const name = sandboxName(labels.homeId, labels.sandboxId);
    const entry =
      entries.get(name) ??
      (event.action === "create" && !event.replayed ? add(labels, "running") : undefined);
    if (entry) apply(name, entry, event);
    if (event.action === "destroy") tellGone(name);
  }

  /** Compares the roster with what is there, for the events that were missed. */
  async function onConnected(signal: AbortSignal): Promise<void> {
    const before = [...entries].filter(([, { state }]) => state !== "making");
    const awaited = [...departures.keys()];
    const containers = await engine.call(
      (abortSignal) =>
        engine.docker.listContainers({
          all: true,
          filters: { label: [SANDBOX_LABEL] },
          abortSignal,
        }),
      { signal },
    );
    const there = new Set<string>();
    for (const container of containers) {
      const labels = readSandboxLabels(container.Labels);
      if (!labels) continue;
      const name = sandboxName(labels.homeId, labels.sandboxId);
      there.add(name);
      const ended = container.State === "exited" || container.State === "dead";
      const entry = entries.get(name);
      if (!entry) add(labels, ended ? "ended" : "running");
      else if (entry.state === "abandoned") options.onAbandoned(entry.sandboxId);
      else if (ended && entry.homeId === homeId && entry.state !== "ended") {
        apply(name, entry, await missedEnd(entry, container.Id, signal));
      }
    }
    for (const [name] of before) if (!there.has(name)) depart(name);
    for (const name of awaited) if (!there.has(name)) tellGone(name);
    ready.resolve();
  }

  async function missedEnd(
    entry: Entry,
    containerId: string,
    signal: AbortSignal,
  ): Promise<ContainerEvent> {
    try {
      const { State: state } = await engine.call(
        (abortSignal) => engine.docker.getContainer(containerId).inspect({ abortSignal }),
        { signal },
      );
      entry.oom ||= state.OOMKilled;
      return missed("die", { exitCode: String(state.ExitCode) });
    } catch (error) {
      if (refusal(error)?.status !== 404) throw error;
      return missed("destroy", {});
    }
  }

  const subscription = subscribeEvents(
    engine,
    {
      onConnected,
      onEvent,
      onDisconnected() {
        ready = readiness();
        options.onDisconnected();
      },
    },
    closing.signal,
  );

  return {
    ready: () => ready.promise,
    takenUids() {
      const taken = new Set<number>();
      for (const { uids } of entries.values()) {
        if (uids) taken.add(uids.user).add(uids.kerneld);
      }
      return taken;
    },
    begin(sandboxId, uids) {
      add({ homeId, sandboxId, uids }, "making");
    },
    commit(sandboxId) {
      const entry = own(sandboxId);
      if (entry?.state !== "making") return;
      entry.state = "running";
      const name = sandboxName(homeId, sandboxId);
      for (const event of entry.heldBack.splice(0)) apply(name, entry, event);
    },
    silence(sandboxId) {
      const entry = own(sandboxId);
      if (entry) entry.state = "silenced";
    },
    forget(sandboxId) {
      entries.delete(sandboxName(homeId, sandboxId));
    },
    abandon(sandboxId) {
      const entry = own(sandboxId);
      if (entry) entry.state = "abandoned";
    },
    learn(sandboxId) {
      if (!own(sandboxId)) add({ homeId, sandboxId, uids: undefined }, "running");
    },
    hasEnded: (sandboxId) => own(sandboxId)?.state === "ended",
    gone(sandboxId, signal) {
      const name = sandboxName(homeId, sandboxId);
      return new Promise((resolve) => {
        const waiting = departures.get(name) ?? new Set();
        departures.set(name, waiting.add(resolve));
        signal.addEventListener("abort", () => waiting.delete(resolve), { once: true });
      });
    },
    watch(listener) {
      const watcher = (event: SandboxEvent): void => listener(event);
      listeners.add(watcher);
      return () => listeners.delete(watcher);
    },
    async close() {
      closing.abort();
      listeners.clear();
      await subscription;
    },
  };
}

/** Stands for an event that went by while nobody listened. */
const missed = (action: string, attributes: Record<string, string>): ContainerEvent => ({
  action,
  attributes,
  time: 0,
  replayed: false,
});

/** A promise that another hand resolves. */
function readiness(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
