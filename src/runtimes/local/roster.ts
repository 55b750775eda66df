import type { SandboxEvent } from "../runtime.js";
import { countTellsOfOom, oomKills, watchMemoryEvents } from "./cgroup-oom.js";
import { isAlive, type ProcessIdentity } from "./process-identity.js";
import type { SandboxRecord } from "./sandbox-records.js";
import { listenToZygote, type ZygoteEvent } from "./zygote-events.js";
import type { Zygote } from "./zygote-record.js";

/** A sandbox whose first process is known. */
export type StartedRecord = SandboxRecord & { process: ProcessIdentity };

/** What this process knows of the sandboxes of its home, from the zygotes that forked them. */
export interface Roster {
  /**
   * Listens to a zygote, which then lives as long as somebody does; false when it is gone. One that is not `kept` is
   * let go with the last of its sandboxes.
   */
  follow(zygote: Zygote, options: { keep: boolean }): Promise<boolean>;
  /** A sandbox in the making: what happens to it is held back. */
  begin(sandboxId: string, record: StartedRecord): void;
  /** It is made: what was held back is reported. */
  commit(sandboxId: string): void;
  /** A running sandbox that another process made. */
  learn(sandboxId: string, record: StartedRecord): void;
  /** What was said of a sandbox that is known here. */
  find(sandboxId: string): StartedRecord | undefined;
  /** Nothing more is reported of it. */
  silence(sandboxId: string): void;
  /** Resolves when the first process of a sandbox that is known here, and so all that it started, has ended. */
  ended(sandboxId: string): Promise<void>;
  forget(sandboxId: string): void;
  watch(listener: (event: SandboxEvent) => void): () => void;
  close(): void;
}

export interface RosterOptions {
  /** The zygote of that name, if it is alive. */
  findZygote(name: string): Promise<Zygote | undefined>;
  /** The sandbox that another process of this home made with that zygote. */
  findSandbox(
    zygote: string,
    pid: number,
  ): Promise<{ sandboxId: string; record: StartedRecord } | undefined>;
  /** A kept zygote has gone. */
  onZygoteGone(name: string): void;
}

interface Entry {
  sandboxId: string;
  record: StartedRecord;
  state: "making" | "running" | "silenced";
  end: Exit | undefined;
  /** Whether something was killed for want of memory since this gateway has the sandbox. */
  oom: boolean;
  /** The kernel's count of that, as far as it is known. */
  oomKills: number;
  told: boolean;
  waiting: Set<() => void>;
  unwatchMemory: () => void;
}

interface Exit {
  exitCode: number | null;
  signal: number | null;
}

const UNSEEN: Exit = { exitCode: null, signal: null };

interface Following {
  keep: boolean;
  ready: Promise<boolean>;
  close(): void;
}

/** How often orphans are looked at: no event tells of the end of a process that is nobody's child here. */
const ORPHAN_INTERVAL_MS = 1000;
/** The same for one that has just been killed. */
const KILLED_INTERVAL_MS = 10;

export function zygoteRoster(options: RosterOptions): Roster {
  const entries = new Map<string, Entry>();
  const followed = new Map<string, Following>();
  const listeners = new Set<(event: SandboxEvent) => void>();
  let orphanTimer: NodeJS.Timeout | undefined;
  let closed = false;

  const ofZygote = (name: string): Entry[] =>
    [...entries.values()].filter(({ record }) => record.zygote === name);

  function report(event: SandboxEvent): void {
    for (const listener of [...listeners]) listener(event);
  }

  function reportOom(entry: Entry): void {
    entry.oom = true;
    if (entry.state === "running") report({ type: "oom", sandboxId: entry.sandboxId, agoMs: 0 });
  }

  /** Looks at the kernel's own count. */
  async function lookForOom(entry: Entry): Promise<void> {
    const { cgroups } = entry.record;
    const kills = await oomKills(cgroups, entry.sandboxId);
    if (kills <= entry.oomKills) return;
    entry.oomKills = kills;
    // Where its zygote hears of each kill, the count tells of one that nobody has heard of.
    if (!entry.oom || countTellsOfOom(cgroups)) reportOom(entry);
  }

  async function tellEnd(entry: Entry): Promise<void> {
    if (entry.told || entry.state !== "running" || !entry.end) return;
    entry.told = true;
    await lookForOom(entry);
    // Destroyed in the meantime.
    if ((entry.state as Entry["state"]) !== "running") return;
    report({ type: "exited", sandboxId: entry.sandboxId, ...entry.end, oom: entry.oom });
  }

  function end(entry: Entry, exit: Exit): void {
    if (entry.end) return;
    entry.end = exit;
    for (const resolve of entry.waiting) resolve();
    entry.waiting.clear();
    void tellEnd(entry);
  }

  function letGo(zygote: string): void {
    const following = followed.get(zygote);
    if (following && !following.keep && ofZygote(zygote).length === 0) following.close();
  }

  async function onExit(zygote: string, pid: number, exit: Exit): Promise<void> {
    const entry = ofZygote(zygote).find(({ record }) => record.process.pid === pid);
    if (entry) {
      end(entry, exit);
      return;
    }
    const found = await options.findSandbox(zygote, pid).catch(() => undefined);
    if (!found || entries.has(found.sandboxId) || closed) return;
    end(add(found.sandboxId, found.record, "running"), exit);
  }

  function onEvent(zygote: string, event: ZygoteEvent): void {
    if ("children" in event) {
      const running = new Set(event.children);
      for (const entry of ofZygote(zygote)) {
        const { process } = entry.record;
        if (!running.has(process.pid) && !isAlive(process)) end(entry, UNSEEN);
      }
    } else if ("oom" in event) {
      const entry = ofZygote(zygote).find(({ record }) => record.process.pid === event.pid);
      if (entry) reportOom(entry);
    } else {
      void onExit(zygote, event.pid, exitOf(event.exit_code, event.signal));
    }
  }

  function add(sandboxId: string, record: StartedRecord, state: Entry["state"]): Entry {
    const entry: Entry = {
      sandboxId,
      record,
      state,
      end: undefined,
      oom: false,
      oomKills: 0,
      told: false,
      waiting: new Set(),
      unwatchMemory: () => undefined,
    };
    entries.set(sandboxId, entry);
    return entry;
  }

  function watchMemory(entry: Entry): void {
    entry.unwatchMemory = watchMemoryEvents(
      entry.record.cgroups,
      entry.sandboxId,
      () => void lookForOom(entry),
    );
  }

  function lookAtOrphans(): void {
    const orphans = [...entries.values()].filter(
      (entry) => !entry.end && !followed.has(entry.record.zygote),
    );
    for (const entry of orphans) if (!isAlive(entry.record.process)) end(entry, UNSEEN);
    const left = orphans.filter((entry) => !entry.end);
    clearTimeout(orphanTimer);
    if (closed || left.length === 0) return;
    const hurry = left.some(({ waiting }) => waiting.size > 0);
    orphanTimer = setTimeout(lookAtOrphans, hurry ? KILLED_INTERVAL_MS : ORPHAN_INTERVAL_MS);
    orphanTimer.unref();
  }

  /** Its zygote is listened to, or it is looked at as an orphan. */
  async function attend(entry: Entry): Promise<void> {
    const { zygote: name } = entry.record;
    if (!followed.has(name)) {
      const zygote = await options.findZygote(name).catch(() => undefined);
      if (closed) return;
      if (zygote && entries.get(entry.sandboxId) === entry) await follow(zygote, { keep: false });
    }
    if (!(await followed.get(name)?.ready)) lookAtOrphans();
  }

  /** What was killed under an earlier gateway ends nothing now. */
  async function takeOver(entry: Entry): Promise<void> {
    entry.oomKills = await oomKills(entry.record.cgroups, entry.sandboxId);
    watchMemory(entry);
    await attend(entry);
    // Its zygote had nobody to tell until now, and when it ends nobody could say when this was.
    if (!entry.end) await lookForOom(entry);
  }

  function follow(zygote: Zygote, { keep }: { keep: boolean }): Promise<boolean> {
    if (closed) return Promise.resolve(false);
    const known = followed.get(zygote.name);
    if (known) {
      known.keep ||= keep;
      return known.ready;
    }
    let settle: (alive: boolean) => void = () => undefined;
    const ready = new Promise<boolean>((resolve) => (settle = resolve));
    let wanted = true;
    const connection = listenToZygote(zygote.directory, {
      onEvent(event) {
        onEvent(zygote.name, event);
        settle(true);
      },
      onEnd() {
        followed.delete(zygote.name);
        settle(false);
        if (following.keep) options.onZygoteGone(zygote.name);
        if (!closed && wanted) for (const entry of ofZygote(zygote.name)) void attend(entry);
      },
    });
    const following: Following = {
      keep,
      ready,
      close() {
        wanted = false;
        followed.delete(zygote.name);
        connection.close();
      },
    };
    followed.set(zygote.name, following);
    return ready;
  }

  return {
    follow,
    begin(sandboxId, record) {
      add(sandboxId, record, "making");
    },
    commit(sandboxId) {
      const entry = entries.get(sandboxId);
      if (entry?.state !== "making") return;
      entry.state = "running";
      watchMemory(entry);
      if (entry.oom) report({ type: "oom", sandboxId, agoMs: 0 });
      void tellEnd(entry);
    },
    learn(sandboxId, record) {
      if (entries.has(sandboxId) || closed) return;
      const entry = add(sandboxId, record, "running");
      void takeOver(entry);
    },
    find: (sandboxId) => entries.get(sandboxId)?.record,
    silence(sandboxId) {
      const entry = entries.get(sandboxId);
      if (entry) entry.state = "silenced";
    },
    async ended(sandboxId) {
      const entry = entries.get(sandboxId);
      if (!entry || entry.end || !isAlive(entry.record.process)) return;
      await new Promise<void>((resolve) => {
        entry.waiting.add(resolve);
        if (!followed.has(entry.record.zygote)) lookAtOrphans();
      });
    },
    forget(sandboxId) {
      const entry = entries.get(sandboxId);
      if (!entry) return;
      entry.unwatchMemory();
      entries.delete(sandboxId);
      letGo(entry.record.zygote);
    },
    watch(listener) {
      const watcher = (event: SandboxEvent): void => listener(event);
      listeners.add(watcher);
      return () => listeners.delete(watcher);
    },
    close() {
      closed = true;
      clearTimeout(orphanTimer);
      listeners.clear();
      for (const { unwatchMemory } of entries.values()) unwatchMemory();
      for (const following of [...followed.values()]) following.close();
    },
  };
}

/** A sandbox whose first process passes on that it was a signal says 128 + n, as shells do. */
function exitOf(code: number | null, signal: number | null): Exit {
  if (signal !== null) return { exitCode: 128 + signal, signal };
  return { exitCode: code, signal: code !== null && code > 128 && code <= 192 ? code - 128 : null };
}
