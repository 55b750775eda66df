import { setTimeout as delay } from "node:timers/promises";
import type { Enrolment } from "../sandboxes/hello.js";
import type { ExecutionFinishedRecord } from "../sandboxes/journal-record.js";
import { isTerminal } from "../sandboxes/journal-record.js";
import { createKerneldClient, type KerneldClient } from "../sandboxes/kerneld-client.js";
import { isTransient } from "../sandboxes/link-error.js";
import { openLink, type SandboxLink } from "../sandboxes/link.js";
import type { RunObject } from "../sandboxes/runs.js";
import { openSandboxFeed } from "../sandboxes/sandbox-feed.js";
import type { LoggedRuns } from "./run-log.js";
import type { SandboxFacts } from "./sandbox-facts.js";
import {
  type AssignedSandbox,
  linkDirectory,
  type SandboxHooks,
  type SandboxServices,
} from "./sandbox-start.js";
import { SessionKernels } from "./session-kernels.js";

/** A sandbox that an earlier gateway has started and given to a session. */
export interface KeptSandbox {
  sandboxId: string;
  enrolment: Enrolment;
  facts: SandboxFacts;
  runs: LoggedRuns;
}

/** It is in use again. */
export interface AdoptedSandbox extends AssignedSandbox {
  /** Its runs that have not ended. */
  unended: RunObject[];
  /** The last records of those that ended while there was no gateway. */
  missed: ExecutionFinishedRecord[];
}

/** How long a sandbox that could not be asked is left before it is asked again. */
const RETRY_MS = 250;

/**
 * Waits for a sandbox of an earlier gateway to dial, and takes up its journal where it is now. Its runs go on meanwhile,
 * and how those ended that the earlier gateway did not see end is read from it. A sandbox that is out of reach is asked
 * again until `signal` aborts. When it rejects, the link is closed; the sandbox is as it was.
 * @throws LinkError for a breach of the protocol; KerneldError; the reason of `signal`
 */
export async function adoptSandbox(
  kept: KeptSandbox,
  services: SandboxServices,
  hooks: Omit<SandboxHooks, "onEnrol">,
  signal: AbortSignal,
): Promise<AdoptedSandbox> {
  let link: SandboxLink | undefined;
  try {
    link = await openLink({
      directory: linkDirectory(services.linksDirectory, kept.sandboxId),
      sandboxId: kept.sandboxId,
      enrolment: kept.enrolment,
      onEnrol: () => Promise.reject(new Error("a sandbox enrols once")),
      logger: services.log,
    });
    for (;;) {
      await link.connected(signal);
      try {
        return await takeUp(kept, link, services, hooks, signal);
      } catch (error) {
        // A machine that is busy with the restart of everything is no reason to lose what runs.
        if (!isTransient(error)) throw error;
        await delay(RETRY_MS, undefined, { signal, ref: false });
      }
    }
  } catch (error) {
    await link?.close({ keepDirectory: true });
    signal.throwIfAborted();
    throw error;
  }
}

/** Finds out what a sandbox that has dialled is at, and follows it from there. */
async function takeUp(
  kept: KeptSandbox,
  link: SandboxLink,
  services: SandboxServices,
  hooks: Omit<SandboxHooks, "onEnrol">,
  signal: AbortSignal,
): Promise<AdoptedSandbox> {
  const kerneld = createKerneldClient(link);
  // The journal's number is not younger than the runs: what is made after it comes over the feed.
  const state = await kerneld.state({ runs: true, signal });
  const runs = state.runs ?? (await kerneld.runs.list({ signal }));
  const known = new Set(
    [...runs, ...kept.runs.open.map(({ run }) => ({ id: run }))].map(({ id }) => id),
  );
  const unended = runs.filter(({ state: runState }) => runState !== "finished");
  const missed = await missedEnds(kerneld, kept.runs, runs, signal);
  const kernels = new SessionKernels(kerneld.kernels, state);
  const feed = openSandboxFeed({
    link,
    after: state.last_n ?? 0,
    onRecord: (record) => hooks.onRecord(record),
    onFailure: () => hooks.onFailure(),
    knownRun: (run) => known.has(run),
    ended: [...kept.runs.ended, ...missed],
    logger: services.log,
  });
  for (const { id, kernel, generation, started_at: startedAt } of unended) {
    feed.expect({
      run: id,
      kernel,
      generation: generation ?? 0,
      startedAt: startedAt === null ? undefined : Math.min(startedAt, Date.now()),
    });
  }
  return { facts: kept.facts, link, feed, kerneld, kernels, unended, missed };
}

/** The last records of runs that ended while there was no gateway. */
async function missedEnds(
  kerneld: KerneldClient,
  { open }: LoggedRuns,
  runs: readonly RunObject[],
  signal: AbortSignal,
): Promise<ExecutionFinishedRecord[]> {
  const unseen = new Set(open.map(({ run }) => run));
  const ends: ExecutionFinishedRecord[] = [];
  for (const { id, state, last_n: last } of runs) {
    if (!unseen.has(id) || state !== "finished" || last === null) continue;
    const records = kerneld.journal({ after: last - 1, follow: false, run: id, signal });
    for await (const record of records)
      if (isTerminal(record) && record.run === id) ends.push(record);
  }
  return ends;
}
