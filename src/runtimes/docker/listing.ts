import type { SandboxSummary } from "../runtime.js";
import { isSandboxId } from "../sandbox-specification.js";
import type { Engine } from "./engine.js";
import type { IdentityFiles } from "./identity-files.js";
import { HOME_LABEL, readSandboxLabels } from "./labels.js";

const STATES: Readonly<Record<string, SandboxSummary["state"]>> = {
  running: "running",
  restarting: "running",
  paused: "running",
  exited: "exited",
};

/** All sandboxes of a home, and what is left of others: containers never started, volumes and files without one. */
export async function listSandboxes(
  engine: Engine,
  homeId: string,
  identityFiles: IdentityFiles,
  signal: AbortSignal,
): Promise<SandboxSummary[]> {
  const filters = { label: [`${HOME_LABEL}=${homeId}`] };
  const [containers, { Volumes: volumes }, directories] = await Promise.all([
    engine.call(
      (abortSignal) => engine.docker.listContainers({ all: true, filters, abortSignal }),
      { signal },
    ),
    engine.call((abortSignal) => engine.docker.listVolumes({ filters, abortSignal }), { signal }),
    identityFiles.list(),
  ]);
  const states = new Map<string, SandboxSummary["state"]>();
  for (const directory of directories) {
    if (isSandboxId(directory)) states.set(directory, "incomplete");
  }
  for (const { Labels: labels } of volumes) {
    const sandboxId = readSandboxLabels(labels)?.sandboxId;
    if (sandboxId) states.set(sandboxId, "incomplete");
  }
  for (const { Labels: labels, State: state } of containers) {
    const sandboxId = readSandboxLabels(labels)?.sandboxId;
    if (sandboxId) states.set(sandboxId, STATES[state] ?? "incomplete");
  }
  return [...states].map(([sandboxId, state]) => ({ sandboxId, state }));
}
