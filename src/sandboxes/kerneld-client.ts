import { type ArtifactsClient, createArtifactsClient } from "./artifacts.js";
import { type AssignmentClient, createAssignmentClient } from "./assignment.js";
import { type CellsClient, createCellsClient } from "./cells.js";
import { type FilesClient, createFilesClient } from "./files.js";
import { type JournalClient, createJournalClient } from "./journal.js";
import { type JupyterChannels, createJupyterChannels } from "./jupyter-channels.js";
import { type KernelsClient, createKernelsClient } from "./kernels.js";
import type { SandboxLink } from "./link.js";
import { type RunsClient, createRunsClient } from "./runs.js";

/** Everything that kerneld serves in one sandbox. Calls throw LinkError, KerneldError, or their signal's reason. */
export interface KerneldClient extends AssignmentClient, JournalClient {
  readonly runs: RunsClient;
  readonly kernels: KernelsClient;
  readonly files: FilesClient;
  readonly artifacts: ArtifactsClient;
  readonly cells: CellsClient;
  readonly channels: JupyterChannels;
}

export function createKerneldClient(link: SandboxLink): KerneldClient {
  return {
    ...createAssignmentClient(link),
    ...createJournalClient(link),
    runs: createRunsClient(link),
    kernels: createKernelsClient(link),
    files: createFilesClient(link),
    artifacts: createArtifactsClient(link),
    cells: createCellsClient(link),
    channels: createJupyterChannels(link),
  };
}
