import type Docker from "dockerode";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { aptProgress } from "./apt-progress.js";
import { transferArchive } from "./archive-transfer.js";
import { findBaseRoot, packBaseRoot } from "./base-root.js";
import { engineDone, engineMessages } from "./engine-messages.js";
import { listFileTree } from "./file-tree.js";
import { fileTreeTar } from "./file-tree-tar.js";
import type { ImageDefinition } from "./image-definition.js";
import type { OnImageProgress } from "./image-progress.js";
import { writeRootFilesystem } from "./root-filesystem.js";

/** How long a registry may take to say anything. */
const REGISTRY_PATIENCE_MS = 15_000;

interface BaseImageOptions {
  docker: Docker;
  stateDirectory: string;
  onProgress: OnImageProgress;
  signal: AbortSignal;
  /** Takes nothing that was built before. */
  rebuild: boolean;
}

/**
 * Builds the image without kerneld and tags it `reference`: from its unpacked root where that is on the disk; by its
 * Dockerfile where the engine has that file's base or a registry gives it and the build can reach Debian's packages;
 * otherwise from those packages directly.
 */
export async function buildBaseImage(
  definition: ImageDefinition,
  reference: string,
  options: BaseImageOptions,
): Promise<void> {
  const from = await dockerfileBase(definition.directory);
  const unpacked = !options.rebuild && (await findBaseRoot(options.stateDirectory, definition));
  if (!unpacked && (await obtainImage(from, options))) {
    try {
      await buildDockerfile(definition, reference, options);
      return;
    } catch (error) {
      options.signal.throwIfAborted();
      // An engine may have the base and give its containers no network to fetch packages through.
      const detail = messageOf(error);
      options.onProgress({ step: "docker build failed, building from Debian packages", detail });
    }
  }
  await importRootFilesystem(definition, reference, options);
}

async function dockerfileBase(directory: string): Promise<string> {
  const file = join(directory, "Dockerfile");
  const from = /^FROM (\S+)$/m.exec(await readFile(file, "utf8"))?.[1];
  if (!from) throw new Error(`${file}: has no line "FROM image"`);
  return from;
}

/** Whether the engine has the image now, from before or from a registry that answers within its time. */
async function obtainImage(
  reference: string,
  { docker, onProgress, signal }: BaseImageOptions,
): Promise<boolean> {
  if (await findImageId(docker, reference)) return true;
  onProgress({ step: "asking the registry", detail: reference });
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), REGISTRY_PATIENCE_MS);
  try {
    const abortSignal = AbortSignal.any([signal, patience.signal]);
    for await (const { status } of engineMessages(await docker.pull(reference, { abortSignal }))) {
      clearTimeout(timer);
      onProgress({ step: "pulling", detail: status ?? reference });
    }
    return true;
  } catch (error) {
    signal.throwIfAborted();
    const reason = patience.signal.aborted ? "no answer in time" : messageOf(error);
    onProgress({ step: "no registry, building from Debian packages", detail: reason });
    return false;
  } finally {
    clearTimeout(timer);
  }
}

async function buildDockerfile(
  definition: ImageDefinition,
  reference: string,
  { docker, onProgress, signal }: BaseImageOptions,
): Promise<void> {
  const context = await fileTreeTar(listFileTree(definition.directory));
  const answer = await docker.buildImage(context, {
    t: reference,
    rm: true,
    forcerm: true,
    abortSignal: signal,
  });
  const followApt = aptProgress(onProgress);
  let lastLine = "";
  try {
    for await (const { stream } of engineMessages(answer))
      for (const line of (stream ?? "").split("\n")) {
        followApt(line);
        if (line !== "") lastLine = line;
      }
  } catch (cause) {
    // The engine names the command that failed; what the command said last tells why.
    throw new Error(lastLine || messageOf(cause), { cause });
  }
}

/** Imports the root that is unpacked on the disk, or else one that is built for it. */
async function importRootFilesystem(
  definition: ImageDefinition,
  reference: string,
  { docker, stateDirectory, onProgress, signal, rebuild }: BaseImageOptions,
): Promise<void> {
  const root = rebuild ? undefined : await findBaseRoot(stateDirectory, definition);
  const [repo, tag] = reference.split(":");
  await transferArchive({
    write: (output, either) =>
      root === undefined
        ? writeRootFilesystem(definition, output, { stateDirectory, onProgress, signal: either })
        : packBaseRoot(root, output, either),
    read: async (input, abortSignal) =>
      engineDone(await docker.importImage(input, { repo, tag, abortSignal })),
    step: "importing",
    onProgress,
    signal,
  });
}

/** The id of the image that the engine has under this reference, if it has one. */
export async function findImageId(docker: Docker, reference: string): Promise<string | undefined> {
  try {
    return (await docker.getImage(reference).inspect()).Id;
  } catch (error) {
    if (error instanceof Error && "statusCode" in error && error.statusCode === 404)
      return undefined;
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
