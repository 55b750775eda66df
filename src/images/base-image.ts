import type Docker from "dockerode";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { aptProgress } from "./apt-progress.js";
import { engineDone, engineMessages } from "./engine-messages.js";
import { listFileTree } from "./file-tree.js";
import { fileTreeTar } from "./file-tree-tar.js";
import type { ImageDefinition } from "./image-definition.js";
import type { OnImageProgress } from "./image-progress.js";
import { writeRootFilesystem } from "./root-filesystem.js";

const IMPORT_REPORT_BYTES = 20_000_000;

/** How long a registry may take to say anything. */
const REGISTRY_PATIENCE_MS = 15_000;

interface BaseImageOptions {
  docker: Docker;
  stateDirectory: string;
  onProgress: OnImageProgress;
  signal: AbortSignal;
}

/**
 * Builds the image without kerneld and tags it `reference`: by its Dockerfile where the engine has that file's
 * base or a registry gives it and the build can reach Debian's packages, otherwise from those packages directly.
 */
export async function buildBaseImage(
  definition: ImageDefinition,
  reference: string,
  options: BaseImageOptions,
): Promise<void> {
  const from = await dockerfileBase(definition.directory);
  if (await obtainImage(from, options)) {
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
  const context = await fileTreeTar(await listFileTree(definition.directory));
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

async function importRootFilesystem(
  definition: ImageDefinition,
  reference: string,
  { docker, stateDirectory, onProgress, signal }: BaseImageOptions,
): Promise<void> {
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const [repo, tag] = reference.split(":");
  const archive = importProgress(onProgress);
  const readArchive = async (): Promise<void> => {
    const answer = await docker.importImage(archive, { repo, tag, abortSignal: either });
    await engineDone(answer);
  };
  const writeArchive = (): Promise<void> =>
    writeRootFilesystem(definition, archive, { stateDirectory, onProgress, signal: either });
  // The first to fail ends the other, and both have ended before this does.
  const failed = (error: unknown): never => {
    failure.abort(error);
    throw error;
  };
  await Promise.allSettled([readArchive().catch(failed), writeArchive().catch(failed)]);
  either.throwIfAborted();
}

/** Lets an archive through and reports its size now and then. */
function importProgress(onProgress: OnImageProgress): Transform {
  let bytes = 0;
  let reported = -1;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      bytes += chunk.length;
      const size = Math.floor(bytes / IMPORT_REPORT_BYTES) * (IMPORT_REPORT_BYTES / 1e6);
      if (size !== reported) onProgress({ step: "importing", detail: `${size} MB` });
      reported = size;
      callback(null, chunk);
    },
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
