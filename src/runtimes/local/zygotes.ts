import { randomBytes } from "node:crypto";
import { chmod, mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { withBuildLock } from "../../images/build-lock.js";
import { abortable } from "../abortable.js";
import { RuntimeError } from "../runtime.js";
import { findCgroups } from "./cgroup-places.js";
import { fork, type Fork } from "./fork.js";
import {
  closeHomeCgroups,
  enterZygoteCgroup,
  type HomeCgroup,
  openHomeCgroups,
  sandboxesWithCgroup,
} from "./home-cgroups.js";
import type { IdBlock } from "./id-block.js";
import { isAlive, killProcess } from "./process-identity.js";
import type { Roster } from "./roster.js";
import { launchZygote } from "./zygote-launch.js";
import {
  readZygote,
  writeZygoteRecord,
  zygoteNames,
  zygotePrefix,
  type Zygote,
} from "./zygote-record.js";

/** A home's zygotes: one for each image, and whatever is left of earlier ones. */
export interface Zygotes {
  /** The zygote of an image, launched where there is none. Throws as `launchZygote`, and the reason of `signal`. */
  of(reference: string, signal: AbortSignal): Promise<Zygote>;
  /** As `fork`, one at a time: a zygote's queue is short. */
  fork(zygote: Zygote): Promise<Fork | undefined>;
  /** One that is alive, by name. */
  find(name: string): Promise<Zygote | undefined>;
  /** Not to be given out again. */
  drop(name: string): void;
  /** The home's cgroups, as far as any zygote has used them. */
  cgroups(): Promise<HomeCgroup[]>;
  /** Resolves when nothing is being launched any more. The zygotes live on. */
  close(): Promise<void>;
}

export interface ZygotesOptions {
  /** Where their directories are. */
  directory: string;
  links: string;
  homeId: string;
  preload: readonly string[];
  ids(): Promise<IdBlock | undefined>;
  roster: Pick<Roster, "follow">;
  /** Names of zygotes that sandboxes were forked by. */
  needed(): Promise<ReadonlySet<string>>;
  /** Ends launches. */
  closing: AbortSignal;
}

/** A directory without a record is a launch under way, or one that was killed. */
const LAUNCH_MS = 120_000;

export function homeZygotes(options: ZygotesOptions): Zygotes {
  const { directory } = options;
  const current = new Map<string, { zygote: Promise<Zygote>; name: string | undefined }>();

  const turns = new Map<string, Promise<unknown>>();

  async function find(name: string): Promise<Zygote | undefined> {
    const zygote = await readZygote(directory, name);
    return zygote && isAlive(zygote.record) ? zygote : undefined;
  }

  /** One that is alive and made of the same, by whichever process, and that stays so while it is listened to. */
  async function findLike(making: string): Promise<Zygote | undefined> {
    for (const name of await zygoteNames(directory)) {
      if (!name.startsWith(zygotePrefix(making))) continue;
      const zygote = await find(name);
      if (zygote?.record.making !== making) continue;
      if (!(await haveCgroups(zygote))) {
        // It can make no sandbox any more, and has none: a cgroup with one below cannot be removed.
        killProcess(zygote.record);
        continue;
      }
      if (await options.roster.follow(zygote, { keep: true })) return zygote;
    }
    return undefined;
  }

  async function launch(reference: string): Promise<Zygote> {
    const [ids, { places }] = await Promise.all([options.ids(), findCgroups()]);
    const { preload, links } = options;
    const controllers = places.map(({ version, controllers }) => [version, ...controllers]);
    const making = JSON.stringify({ reference, preload, ids: ids ?? null, controllers });
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return withBuildLock(join(directory, "lock"), { signal: options.closing }, async () => {
      const found = await findLike(making);
      if (found) return found;
      await prune();
      const cgroups = await openHomeCgroups(places, options.homeId, ids?.first);
      await mkdir(links, { recursive: true });
      // Sandboxes pass with ids that the host does not know; the home keeps everybody else out.
      await chmod(links, 0o711);
      const name = `${zygotePrefix(making)}-${randomBytes(2).toString("hex")}`;
      const own = join(directory, name);
      await mkdir(own, { mode: 0o700 });
      try {
        const process = await launchZygote(
          { reference, preload, links, directory: own, ids, cgroups },
          options.closing,
        );
        const zygote: Zygote = { name, directory: own, record: { ...process, making, cgroups } };
        await enterZygoteCgroup(cgroups, process.pid).catch((error: unknown) => {
          killProcess(process);
          throw error;
        });
        await writeZygoteRecord(own, zygote.record);
        if (await options.roster.follow(zygote, { keep: true })) return zygote;
        options.closing.throwIfAborted();
        throw new RuntimeError(
          "runtime_unavailable",
          `The zygote of ${reference} ended as soon as it was ready`,
        );
      } catch (error) {
        await rm(own, { recursive: true, force: true });
        throw error;
      }
    });
  }

  /** Removes what zygotes have left that ended, and that no sandbox needs. */
  async function prune(): Promise<void> {
    const needed = await options.needed();
    const names = await zygoteNames(directory);
    const live = (await Promise.all(names.map(find))).filter((zygote) => zygote !== undefined);
    const used = new Set(live.flatMap(({ record }) => record.cgroups.map(({ path }) => path)));
    for (const name of names) {
      if (needed.has(name) || live.some((zygote) => zygote.name === name)) continue;
      const ended = await readZygote(directory, name);
      if (ended) {
        const { cgroups } = ended.record;
        if ((await sandboxesWithCgroup(cgroups)).size > 0) continue;
        await closeHomeCgroups(cgroups.filter(({ path }) => !used.has(path)));
      } else {
        const { mtimeMs } = await stat(join(directory, name));
        if (Date.now() - mtimeMs < LAUNCH_MS) continue;
      }
      await rm(join(directory, name), { recursive: true, force: true });
    }
  }

  return {
    find,
    async of(reference, signal) {
      let use = current.get(reference);
      if (!use) {
        const launched = { zygote: launch(reference), name: undefined as string | undefined };
        use = launched;
        current.set(reference, launched);
        launched.zygote.then(
          ({ name }) => (launched.name = name),
          () => current.delete(reference),
        );
      }
      return abortable(use.zygote, signal);
    },
    fork({ name, directory: own }) {
      const forked = (turns.get(name) ?? Promise.resolve()).then(() => fork(own));
      const turn = forked
        .catch(() => undefined)
        .then(() => {
          if (turns.get(name) === turn) turns.delete(name);
        });
      turns.set(name, turn);
      return forked;
    },
    drop(name) {
      for (const [reference, use] of current) if (use.name === name) current.delete(reference);
    },
    async cgroups() {
      const zygotes = await Promise.all(
        (await zygoteNames(directory)).map((name) => readZygote(directory, name)),
      );
      const cgroups = zygotes.flatMap((zygote) => zygote?.record.cgroups ?? []);
      return [...new Map(cgroups.map((cgroup) => [cgroup.path, cgroup])).values()];
    },
    async close() {
      await Promise.allSettled([...current.values()].map(({ zygote }) => zygote));
    },
  };
}

/** Whether its cgroups are still there: who made them above may have removed them. */
async function haveCgroups({ record }: Zygote): Promise<boolean> {
  const found = await Promise.all(
    record.cgroups.map(({ path }) =>
      stat(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.every(Boolean);
}
