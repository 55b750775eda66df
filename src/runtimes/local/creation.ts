import { isAbsolute, relative } from "node:path";
import { abortable } from "../abortable.js";
import { readConsole, type Console } from "../console.js";
import { effectiveLimits } from "../limits/effective-limits.js";
import {
  RuntimeError,
  type DefaultLimits,
  type EffectiveLimits,
  type LimitRequest,
  type Sandbox,
  type SandboxSpecification,
} from "../runtime.js";
import type { CgroupFacts } from "./cgroup-places.js";
import type { Fork } from "./fork.js";
import type { IdBlock } from "./id-block.js";
import type { IdClaims } from "./id-claims.js";
import { identify } from "./process-identity.js";
import { localIsolation } from "./protections.js";
import type { Roster } from "./roster.js";
import { makeSandboxCgroups } from "./sandbox-cgroups.js";
import type { SandboxRecord, SandboxRecords } from "./sandbox-records.js";
import type { Zygote } from "./zygote-record.js";
import type { Zygotes } from "./zygotes.js";

export interface CreationOptions {
  zygotes: Pick<Zygotes, "of" | "fork" | "drop">;
  roster: Pick<Roster, "begin">;
  records: SandboxRecords;
  claims: IdClaims;
  ids: IdBlock | undefined;
  cgroups: Pick<CgroupFacts, "missing" | "swap">;
  cpus: number;
  defaults: DefaultLimits;
  /** The directory below which all link directories are. */
  links: string;
  /** Removes whatever there is of a sandbox; does not throw. */
  remove(sandboxId: string): Promise<void>;
}

export interface CreatedSandbox {
  sandbox: Sandbox;
  console: Console;
  /** The protections that its first process put into force. */
  reported: string[];
}

/** Inside, each side has a user namespace with one id. */
const UIDS = { user: 1000, kerneld: 1001 };

/** As with containers. */
const OPEN_FILES = 4096;

/**
 * Has a zygote fork a sandbox; the roster is still to be told that it runs. Rejects with nothing left behind. A record
 * with its first process is on the disk before that is told what to become; until then it ends by itself with the
 * connection.
 */
export async function createSandbox(
  specification: SandboxSpecification,
  options: CreationOptions,
  signal: AbortSignal,
): Promise<CreatedSandbox> {
  const began = performance.now();
  const { image } = specification;
  if (specification.isolation !== "standard") {
    throw new RuntimeError(
      "isolation_unavailable",
      "The local runtime has no isolation `strong`: use HOTCELL_RUNTIME=docker with gVisor or Kata Containers",
    );
  }
  const limits = localLimits(specification.limits, options);
  const link = linkBelow(options.links, specification.linkDirectory);
  for (const attempt of [1, 2]) {
    const zygote = await options.zygotes.of(image.reference, signal);
    const plan = { specification, limits, link, zygote, began };
    const created = await createFrom(plan, options, signal);
    if (created) return created;
    options.zygotes.drop(zygote.name);
    if (attempt === 2) break;
  }
  throw new RuntimeError(
    "runtime_unavailable",
    `The zygotes of ${image.reference} end as soon as they are asked for a sandbox`,
  );
}

interface Plan {
  specification: SandboxSpecification;
  limits: EffectiveLimits;
  /** Relative to the directory of all. */
  link: string;
  zygote: Zygote;
  began: number;
}

/** Undefined, with nothing left, when the zygote was about to end, or its cgroups have been removed. */
async function createFrom(
  { specification, limits, link, zygote, began }: Plan,
  options: CreationOptions,
  signal: AbortSignal,
): Promise<CreatedSandbox | undefined> {
  const { sandboxId, image } = specification;
  const { cgroups } = zygote.record;
  const record: SandboxRecord = { process: null, zygote: zygote.name, id: 0, cgroups };
  await options.records.add(sandboxId, record);
  let forked: Fork | undefined;
  try {
    record.id = await options.claims.claim(sandboxId);
    const prepared = makeSandboxCgroups(cgroups, sandboxId, limits, options.ids?.first);
    // Awaited after the fork, and must not count as unhandled when that fails first.
    prepared.catch(() => undefined);
    forked = await options.zygotes.fork(zygote);
    const process = forked && identify(forked.pid);
    const started = process && { ...record, process };
    if (started) options.roster.begin(sandboxId, started);
    const hasCgroups = await prepared;
    if (!forked || !hasCgroups) {
      forked?.close();
      await options.remove(sandboxId);
      return undefined;
    }
    if (!started) throw endedEarly();
    signal.throwIfAborted();
    await options.records.replace(sandboxId, started);
    const reported = await abortable(
      forked.start({
        link,
        id: record.id,
        cgroup: cgroups.length > 0 ? sandboxId : null,
        limits: {
          pids: limits.pids ?? options.defaults.pids,
          nofile: OPEN_FILES,
          tmpfs: limits.tmpfs,
        },
        program: isKerneld(image.entrypoint) ? null : image.entrypoint,
      }),
      signal,
    );
    const { console: socket } = forked;
    const console = readConsole(socket, (sink) => socket.on("data", (chunk) => sink.write(chunk)));
    socket.resume();
    return {
      console,
      reported,
      sandbox: {
        sandboxId,
        isolation: localIsolation(reported, options.cgroups, limits),
        limits,
        workspace: { kind: "tmpfs", bytes: limits.diskBytes },
        uids: UIDS,
        startKind: "forked",
        startMs: performance.now() - began,
        hostPid: started.process.pid,
        consoleTail: () => console.tail(),
      },
    };
  } catch (error) {
    forked?.close();
    await options.remove(sandboxId);
    throw error;
  }
}

/** A zygote is kerneld already; anything else is executed in its place. */
const isKerneld = (entrypoint: readonly string[]): boolean =>
  entrypoint.length === 1 && entrypoint[0] === "/opt/hotcell/bin/kerneld";

function localLimits(
  request: LimitRequest,
  { cgroups, cpus, defaults }: CreationOptions,
): EffectiveLimits {
  return effectiveLimits(request, defaults, {
    missing: {
      ...(cgroups.missing.memory !== undefined && { memory: cgroups.missing.memory }),
      ...(cgroups.missing.cpu !== undefined && { cpu: cgroups.missing.cpu }),
      // Each side's user namespace counts its processes, also where no cgroup does.
      gpu: "the local runtime has no GPUs; ask for none",
    },
    cpus,
    workspaceInMemory: true,
  });
}

/** Zygotes see the directory of all links, as it was when they were launched, and nothing else of the host. */
function linkBelow(links: string, directory: string): string {
  const path = relative(links, directory);
  if (path !== "" && !path.startsWith("..") && !isAbsolute(path)) return path;
  throw new RuntimeError(
    "invalid_specification",
    `The link directory ${directory} is not below ${links}`,
  );
}

const endedEarly = (): RuntimeError =>
  new RuntimeError("sandbox_start_failed", "The sandbox's first process ended while it was made");
