import { setMaxListeners } from "node:events";
import { join, resolve } from "node:path";
import { abortable } from "./abortable.js";
import type { Console } from "./console.js";
import { createSandbox } from "./docker/creation.js";
import { connectEngine, refusal } from "./docker/engine.js";
import { readEngineFacts, type EngineFacts } from "./docker/engine-facts.js";
import { identityFiles } from "./docker/identity-files.js";
import { sandboxName } from "./docker/labels.js";
import { proveLink } from "./link-proof.js";
import { listSandboxes } from "./docker/listing.js";
import { hasStrongRuntime } from "./docker/oci-runtime.js";
import { dockerIsolation } from "./docker/protections.js";
import { removeContainer, removeVolume } from "./docker/removal.js";
import { followSandboxes, type Roster } from "./docker/roster.js";
import type { UidRange } from "./docker/uid-pair.js";
import { readCgroupUsage } from "./docker/cgroup-usage.js";
import { readUsage } from "./docker/usage.js";
import {
  DEFAULT_LIMITS,
  RuntimeError,
  type Capabilities,
  type DefaultLimits,
  type Runtime,
  type Sandbox,
  type SandboxSpecification,
} from "./runtime.js";
import { checkSandboxSpecification, checkSocketPath } from "./sandbox-specification.js";
import { underWay } from "./under-way.js";

export interface DockerOptions {
  /** `HOTCELL_HOME`: the runtime keeps its files in `runtimes/docker/` there. */
  home: string;
  /**
   * Names the home on the engine, whoever moves it on the disk: 1 to 40 lower-case letters and digits, drawn once and
   * kept in the home. Sandboxes with another home's id are never listed, reported or removed.
   */
  homeId: string;
  /** The engine's address as in `DOCKER_HOST`; by default what the `docker` command would take. */
  host?: string;
  /** The engine's name of the OCI runtime for isolation `strong`; by default `runsc`, where it has that. */
  strongRuntime?: string;
  /** User ids for sandboxes; the default depends on the engine. */
  uidRange?: UidRange;
  /** Limits where none were asked for. */
  defaults?: Partial<DefaultLimits>;
}

/** How long the report of an exit waits for the rest of what the process printed. */
const LAST_WORDS_MS = 1000;

const LINK_HINT =
  "Where Docker runs in a virtual machine (Docker Desktop, Colima) or on another machine, run Hotcell on that " +
  "machine beside the engine, or take HOTCELL_RUNTIME=local; with SELinux, allow containers to connect to it.";

const NOTHING: Capabilities = {
  pause: false,
  checkpoint: false,
  fork: false,
  diskQuota: "tmpfs",
  gpu: false,
  isolationTiers: [],
  separateSupervisor: false,
};

/**
 * Sandboxes as Docker containers. Connects when first used. Throws `invalid_specification` at once for a home whose
 * sockets would have too long paths.
 */
export function dockerRuntime(options: DockerOptions): Runtime {
  const { homeId, strongRuntime } = options;
  if (!/^[a-z0-9]{1,40}$/.test(homeId)) {
    throw new RuntimeError(
      "invalid_specification",
      `The home id ${JSON.stringify(homeId)} is not 1 to 40 lower-case letters and digits`,
    );
  }
  const directory = resolve(options.home, "runtimes", "docker");
  checkSocketPath(join(directory, "p", "0".repeat(20), "gateway.sock"));

  const engine = connectEngine(options.host);
  const files = identityFiles(join(directory, "identities"));
  const defaults = { ...DEFAULT_LIMITS, ...options.defaults };
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const work = underWay();
  const consoles = new Map<string, Console>();
  let roster: Roster | undefined;
  let facts: Promise<EngineFacts> | undefined;
  let capabilities = NOTHING;

  function follow(): Roster {
    closing.signal.throwIfAborted();
    roster ??= followSandboxes({
      engine,
      homeId,
      onAbandoned: (sandboxId) => void remove(sandboxId).catch(() => undefined),
      onDisconnected: () => (facts = undefined),
    });
    return roster;
  }

  /** What the engine can do, asked once for each time that it is connected. */
  async function learn(signal: AbortSignal): Promise<EngineFacts> {
    const asked = (facts ??= readEngineFacts(engine, closing.signal));
    try {
      const found = await abortable(asked, signal);
      capabilities = {
        ...NOTHING,
        diskQuota: found.volumeQuota ? "volume-quota" : "tmpfs",
        isolationTiers: hasStrongRuntime(strongRuntime, found)
          ? ["standard", "strong"]
          : ["standard"],
        separateSupervisor: true,
      };
      return found;
    } catch (error) {
      if (facts === asked) asked.catch(() => (facts = undefined));
      throw error;
    }
  }

  /** Removes all traces of a sandbox. What a lost engine keeps of it is removed when the engine is back. */
  async function remove(sandboxId: string): Promise<void> {
    const followed = follow();
    const name = sandboxName(homeId, sandboxId);
    followed.silence(sandboxId);
    try {
      await removeContainer(engine, name, (signal) => followed.gone(sandboxId, signal));
      await removeVolume(engine, name);
    } catch (error) {
      followed.abandon(sandboxId);
      throw error;
    }
    await files.remove(sandboxId);
    followed.forget(sandboxId);
    consoles.get(sandboxId)?.close();
    consoles.delete(sandboxId);
  }

  async function make(specification: SandboxSpecification, signal: AbortSignal): Promise<Sandbox> {
    const followed = follow();
    const found = await learn(signal);
    await abortable(followed.ready(), signal);
    const made = await createSandbox(
      specification,
      {
        engine,
        facts: found,
        roster: followed,
        identityFiles: files,
        homeId,
        defaults,
        uidRange: options.uidRange,
        strongRuntime,
        // The reason why it was not made says more than why its remains are still there.
        remove: (sandboxId) => remove(sandboxId).catch(() => undefined),
      },
      signal,
    );
    consoles.set(specification.sandboxId, made.console);
    followed.commit(specification.sandboxId);
    return made.sandbox;
  }

  const runtime: Runtime = {
    name: "docker",
    transport: "unix-dial",
    get capabilities() {
      return capabilities;
    },

    async probe({ image, signal }) {
      facts = undefined;
      const found = await learn(signal);
      if (image) {
        await proveLink(runtime, image, {
          parentDirectory: join(directory, "p"),
          hint: LINK_HINT,
          signal,
        });
      }
      return {
        runtime: "docker",
        version: `Docker ${found.version} on ${found.operatingSystem}, cgroup v${found.cgroupVersion}`,
        endpoint: engine.address,
        capabilities,
        isolation: dockerIsolation("standard", found, false),
        linkProven: image !== undefined,
      };
    },

    async create(specification, { signal }) {
      checkSandboxSpecification(specification);
      return work.making(specification.sandboxId, signal, (making) => make(specification, making));
    },

    async list() {
      const followed = follow();
      const found = await listSandboxes(engine, homeId, files, closing.signal);
      const sandboxes = found.filter(({ sandboxId }) => !work.isMaking(sandboxId));
      for (const sandbox of sandboxes) {
        if (sandbox.state !== "running") continue;
        // The engine tells of an end a moment before its list does.
        if (followed.hasEnded(sandbox.sandboxId)) sandbox.state = "exited";
        else followed.learn(sandbox.sandboxId);
      }
      return sandboxes;
    },

    destroy: (sandboxId) => work.removing(sandboxId, () => remove(sandboxId)),

    async usage(sandboxId) {
      const container = engine.docker.getContainer(sandboxName(homeId, sandboxId));
      const ask = <T>(question: () => Promise<T>): Promise<T | undefined> =>
        engine.call(question, { signal: closing.signal }).catch((error: unknown) => {
          if (refusal(error)?.status !== 404) throw error;
          return undefined;
        });
      const found = await ask(() => container.inspect());
      const usage =
        found?.State.Running === true
          ? ((await readCgroupUsage({ id: found.Id, pid: found.State.Pid })) ??
            readUsage(await ask(() => container.stats({ stream: false, "one-shot": true }))))
          : undefined;
      if (!usage) {
        throw new RuntimeError("sandbox_not_found", `There is no running sandbox ${sandboxId}`);
      }
      return usage;
    },

    watch(listener) {
      let watching = true;
      const stop = follow().watch((event) => {
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
      const closed = new RuntimeError("runtime_unavailable", "The Docker runtime has been closed");
      await work.close(closed);
      closing.abort(closed);
      for (const console of consoles.values()) console.close();
      consoles.clear();
      await roster?.close();
    },
  };
  return runtime;
}
