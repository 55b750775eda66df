import { readdir } from "node:fs/promises";
import { join } from "node:path";
import Docker from "dockerode";
import type { Home } from "../contract/harness.js";

export const engine = new Docker();

/** The containers, volumes and files of a home, or of one sandbox. */
export async function dockerTraces(home: Home, sandboxId?: string): Promise<string[]> {
  const label = sandboxId ? `hotcell.sandbox=${sandboxId}` : `hotcell.home=${home.id}`;
  const filters = { label: [label] };
  const [containers, { Volumes: volumes }, identities, proofs] = await Promise.all([
    engine.listContainers({ all: true, filters }),
    engine.listVolumes({ filters }),
    entries(join(home.directory, "runtimes/docker/identities")),
    entries(join(home.directory, "runtimes/docker/p")),
  ]);
  return [
    ...containers.map(({ Id: id }) => `container ${id}`),
    ...volumes.map(({ Name: name }) => `volume ${name}`),
    ...[...identities, ...proofs].filter((name) => !sandboxId || name === sandboxId),
  ];
}

const entries = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);
