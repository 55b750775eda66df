import { setMaxListeners } from "node:events";
import { join, resolve } from "node:path";
import { abortable } from "./abortable.js";
import type { Console } from "./console.js";
import { proveLink } from "./link-proof.js";
import { createSandbox } from "./local/creation.js";
import { homeIdBlock, type IdBlock, type IdRange } from "./local/id-block.js";
import { idClaims } from "./local/id-claims.js";
import { listSandboxes } from "./local/listing.js";
import { readMachine, type Machine } from "./local/machine.js";
import { isAlive } from "./local/process-identity.js";
import { expectedIsolation, localIsolation } from "./local/protections.js";
import { refusalOf } from "./local/refusal.js";
import { removeSandbox } from "./local/removal.js";
import { zygoteRoster } from "./local/roster.js";
import { sandboxRecords } from "./local/sandbox-records.js";
import { sandboxUsage } from "./local/sandbox-usage.js";
import { homeZygotes } from "./local/zygotes.js";
import {
  DEFAULT_LIMITS,
  RuntimeError,
  type Capabilities,
  type DefaultLimits,
  type Runtime,
  type Sandbox,
  type SandboxSpecification,
} from "./runtime.js";
import {
  checkSandboxSpecification,
  checkSocketPath,
  isSandboxId,
} from "./sandbox-specification.js";
import { underWay } from "./under-way.js";

export interface LocalOptions {
  /** `HOTCELL_HOME`: the runtime keeps its files in `runtimes/local/` there, and takes links in `links/`. */
  home: string;
  /** Names the home in cgroups: 1 to 40 lower-case letters and digits, drawn once and kept in the home. */
  homeId: string;
  /** Limits where none were asked for. */
  defaults?: Partial<DefaultLimits>;
  /** Modules that zygotes import, beside those that an image names itself. */
  preload?: readonly string[];
  /** Where the home's 65,536 user ids are drawn from, when this process is root. */
  uidRange?: IdRange;
}

/** How long the report of an exit waits for the rest of what the process printed. */
const LAST_WORDS_MS = 1000;

const LINK_HINT =
  "Every directory from HOTCELL_HOME to the socket must be open to others (mode 0711): a sandbox dials with a user id " +
  "of its own; with SELinux, allow that.";

const NOTHING: Capabilities = {
  pause: false,
  checkpoint: false,
  fork: false,
  diskQuota: "tmpfs",
  gpu: false,
  isolationTiers: [],
  separateSupervisor: false,
};

const ABLE: Capabilities = { ...NOTHING, isolationTiers: ["standard"], separateSupervisor: true };

/**
 * Sandboxes forked from zygotes, with no engine: processes of this machine in namespaces, for root and for ordinary
 * users. Looks at the machine when first used. Throws `invalid_specification` at once for a home whose sockets would
 * have too long paths.
 */
export function localRuntime(options: LocalOptions): Runtime {
  const { homeId } = options;
  if (!/^[a-z0-9]{1,40}$/.test(homeId)) {
    throw new RuntimeError(
      "invalid_specification",
      `The home id ${JSON.stringify(homeId)} is not 1 to 40 lower-case letters and digits`,
    );
  }
  const directory = resolve(options.home, "runtimes", "local");
  const links = resolve(options.home, "links");
  // The directories of zygotes have short names: their sockets are no deeper than those of links.
  const zygotesDirectory = join(directory, "z");
  checkSocketPath(join(zygotesDirectory, "01234567-0123", "control.sock"));

  const defaults = { ...DEFAULT_LIMITS, ...options.defaults };
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const work = underWay();
  const consoles = new Map<string, Console>();
  const records = sandboxRecords(join(directory, "sandboxes"));
  const claims = idClaims(join(directory, "ids"), () => ids());
  let block: Promise<IdBlock | undefined> | undefined;
  let machine: Promise<Machine> | undefined;
  let capabilities = NOTHING;
  /** What the last sandbox reported of itself. */
  let reported: string[] | undefined;

  const ids = (): Promise<IdBlock | undefined> =>
    (block ??= homeIdBlock(directory, options.uidRange));

  const roster = zygoteRoster({
    findZygote: (name) => zygotes.find(name),
    async findSandbox(zygote, pid) {
      for (const [sandboxId, record] of await records.list()) {
        if (record?.zygote !== zygote || record.process?.pid !== pid) continue;
        return { sandboxId, record: { ...record, process: record.process } };
      }
      return undefined;
    },
    onZygoteGone: (name) => zygotes.drop(name),
  });
  const zygotes = homeZygotes({
    directory: zygotesDirectory,
    links,
    homeId,
    preload: options.preload ?? [],
    ids,
    roster,
    needed: async () =>
      new Set([...(await records.list()).values()].flatMap((record) => record?.zygote ?? [])),
    closing: closing.signal,
  });

  /** What the machine can do, or throws why it cannot. */
  async function learn(): Promise<Machine> {
    closing.signal.throwIfAborted();
    const found = await (machine ??= readMachine());
    const refusal = refusalOf(found);
    if (refusal) {
      machine = undefined;
      throw refusal;
    }
    capabilities = ABLE;
    return found;
  }

  async function remove(sandboxId: string): Promise<void> {
    roster.silence(sandboxId);
    await removeSandbox(sandboxId, { records, claims, roster, zygotes });
    consoles.get(sandboxId)?.close();
    consoles.delete(sandboxId);
  }

  async function make(specification: SandboxSpecification, signal: AbortSignal): Promise<Sandbox> {
    const { cgroups, cpus } = await abortable(learn(), signal);
    const created = await createSandbox(
      specification,
      {
        zygotes,
        roster,
        records,
        claims,
        ids: await ids(),
        cgroups,
        cpus,
        defaults,
        links,
        // The reason why it was not made says more than why its remains are still there.
        remove: (sandboxId) => remove(sandboxId).catch(() => undefined),
      },
      signal,
    );
    reported = created.reported;
    consoles.set(specification.sandboxId, created.console);
    roster.commit(specification.sandboxId);
    return created.sandbox;
  }

  const runtime: Runtime = {
    name: "local",
    transport: "unix-dial",
    get capabilities() {
      return capabilities;
    },

    async probe({ image, signal }) {
      machine = undefined;
      const found = await abortable(learn(), signal);
      if (image)
        await proveLink(runtime, image, { parentDirectory: links, hint: LINK_HINT, signal });
      const { versions } = found.cgroups;
      return {
        runtime: "local",
        version: `Linux ${found.kernel}, ${versions.length > 0 ? `cgroup v${versions.join(" and v")}` : "no cgroups"}`,
        endpoint: directory,
        capabilities,
        isolation: reported
          ? localIsolation(reported, found.cgroups, { cpu: null })
          : expectedIsolation(found, found.cgroups),
        linkProven: image !== undefined,
      };
    },

    async create(specification, { signal }) {
      checkSandboxSpecification(specification);
      return work.making(specification.sandboxId, signal, (making) => make(specification, making));
    },

    async list() {
      await learn();
      const found = await listSandboxes({ records, claims, zygotes });
      for (const [sandboxId, record] of found.running) {
        if (!work.isMaking(sandboxId)) roster.learn(sandboxId, record);
      }
      return found.summaries.filter(({ sandboxId }) => !work.isMaking(sandboxId));
    },

    destroy: (sandboxId) => work.removing(sandboxId, () => remove(sandboxId)),

    async usage(sandboxId) {
      const record = isSandboxId(sandboxId)
        ? (roster.find(sandboxId) ?? (await records.read(sandboxId)))
        : undefined;
      if (!record?.process || !isAlive(record.process)) {
        throw new RuntimeError("sandbox_not_found", `There is no running sandbox ${sandboxId}`);
      }
      return sandboxUsage(sandboxId, record.cgroups, record.process.pid);
    },

    watch(listener) {
      let watching = true;
      const stop = roster.watch((event) => {
        const console = event.type === "exited" ? consoles.get(event.sandboxId) : undefined;
        if (!console) listener(event);
        else void console.ended(LAST_WORDS_MS).then(() => watching && listener(event));
      });
      return () => {
        watching = false;
        stop();
      };
    },

    async close() {
      const closed = new RuntimeError("runtime_unavailable", "The local runtime has been closed");
      await work.close(closed);
      closing.abort(closed);
      await zygotes.close();
      for (const console of consoles.values()) console.close();
      consoles.clear();
      roster.close();
    },
  };
  return runtime;
}
