import type Docker from "dockerode";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { removePartialDirectories } from "./atomic-directory.js";
import { buildBaseImage, findImageId } from "./base-image.js";
import { withBuildLock } from "./build-lock.js";
import { engineDone } from "./engine-messages.js";
import { fileTreeTar } from "./file-tree-tar.js";
import type { ImageDefinition } from "./image-definition.js";
import type { OnImageProgress } from "./image-progress.js";
import { baseImageReference, imageReference } from "./image-reference.js";
import { kerneldDockerfile } from "./kerneld-dockerfile.js";
import { loadKerneldLayer, type KerneldLayer } from "./kerneld-layer.js";

export interface EnsureImageOptions {
  docker: Docker;
  definition: ImageDefinition;
  /** `kernel-images/kerneld`. */
  kerneldDirectory: string;
  /**
   * Where images are kept on disk: holds the lock that builders in several processes share, temporary files while
   * one builds, and maybe the root that another runtime had made, which is then imported.
   */
  stateDirectory: string;
  onProgress: OnImageProgress;
  signal: AbortSignal;
  /** Builds everything again, also when the engine has it: Debian's packages may have newer versions. */
  rebuild?: boolean;
}

export interface EnsuredImage {
  /** Repository and tag. */
  reference: string;
  /** What the engine calls the image. */
  id: string;
  /** Whether it was not there before. */
  built: boolean;
  /** The variables that processes of user code start with. */
  env: Record<string, string>;
}

/**
 * Makes sure that the engine has the image of this definition with this kerneld in it. The tag says what is in
 * the image, so an image is built only when one of its files has changed; a change of kerneld alone adds a small
 * layer to the base that is there. Older images are left alone.
 */
export async function ensureImage(options: EnsureImageOptions): Promise<EnsuredImage> {
  const { docker, definition, stateDirectory, onProgress, signal, rebuild = false } = options;
  const kerneld = await loadKerneldLayer(options.kerneldDirectory);
  const reference = imageReference(definition, kerneld);
  const found = rebuild ? undefined : await findImageId(docker, reference);
  if (found) return { reference, id: found, built: false, env: definition.env };

  await mkdir(stateDirectory, { recursive: true });
  const lock = join(stateDirectory, "build.lock");
  const onWait = (): void => onProgress({ step: "waiting for another build to end" });
  return withBuildLock(lock, { signal, onWait }, async () => {
    const meanwhile = rebuild ? undefined : await findImageId(docker, reference);
    if (meanwhile) return { reference, id: meanwhile, built: false, env: definition.env };
    await removePartialDirectories(stateDirectory);
    const base = baseImageReference(definition);
    if (rebuild || !(await findImageId(docker, base)))
      await buildBaseImage(definition, base, { ...options, rebuild });
    onProgress({ step: "adding kerneld" });
    await addKerneld(options, base, reference, kerneld);
    const id = await findImageId(docker, reference);
    if (!id) throw new Error(`the engine built ${reference} and does not have it`);
    return { reference, id, built: true, env: definition.env };
  });
}

async function addKerneld(
  { docker, definition, signal }: EnsureImageOptions,
  base: string,
  reference: string,
  kerneld: KerneldLayer,
): Promise<void> {
  const context = await fileTreeTar(kerneld.files, {
    Dockerfile: kerneldDockerfile(definition, base),
  });
  const answer = await docker.buildImage(context, {
    t: reference,
    rm: true,
    forcerm: true,
    networkmode: "none",
    labels: { "io.hotcell.image": definition.name },
    abortSignal: signal,
  });
  await engineDone(answer);
}
