import type { Enrolment } from "../sandboxes/hello.js";
import type { ExecutionFinishedRecord } from "../sandboxes/journal-record.js";
import { isTerminal } from "../sandboxes/journal-record.js";
import { createKerneldClient, type KerneldClient } from "../sandboxes/kerneld-client.js";
import { openLink, type SandboxLink } from "../sandboxes/link.js";
import type { RunObject } from "../sandboxes/runs.js";
import { openSandboxFeed, type SandboxFeed } from "../sandboxes/sandbox-feed.js";
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
}

/**
 * Waits for a sandbox of an earlier gateway to dial, and takes up its journal where it is now. Its runs go on meanwhile,
 * and how those ended that the earlier gateway did not see end is read from it. When it rejects, the link is closed; the
 * sandbox is as it was.
 * @throws LinkError, KerneldError, the reason of `signal`
 */
export async function adoptSandbox(
  kept: KeptSandbox,
  services: SandboxServices,
  hooks: Omit<SandboxHooks, "onEnrol">,
  signal: AbortSignal,
): Promise<AdoptedSandbox> {
  let link: SandboxLink | undefined;
  let feed: SandboxFeed | undefined;
  try {
    link = await openLink({
      directory: linkDirectory(services.linksDirectory, kept.sandboxId),
      sandboxId: kept.sandboxId,
      enrolment: kept.enrolment,
      onEnrol: () => Promise.reject(new Error("a sandbox enrols once")),
      logger: services.log,
    });
    await link.connected(signal);
    const kerneld = createKerneldClient(link);
    // The journal's number first: what is made after it comes over the feed.
    const state = await kerneld.state({ signal });
    const runs = await kerneld.runs.list({ signal });
    const known = new Set(
      [...runs, ...kept.runs.open.map(({ run }) => ({ id: run }))].map(({ id }) => id),
    );
    const unended = runs.filter(({ state: runState }) => runState !== "finished");
    feed = openSandboxFeed({
      link,
      after: state.last_n ?? 0,
      onRecord: (record) => hooks.onRecord(record),
      onFailure: () => hooks.onFailure(),
      knownRun: (run) => known.has(run),
      ended: [...kept.runs.ended, ...(await missedEnds(kerneld, kept.runs, runs, signal))],
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
    const kernels = new SessionKernels(kerneld.kernels, state);
    return { facts: kept.facts, link, feed, kerneld, kernels, unended };
  } catch (error) {
    feed?.close();
    await link?.close({ keepDirectory: true });
    throw error;
  }
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
