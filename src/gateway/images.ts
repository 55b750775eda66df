import { join } from "node:path";
import { ensureImage } from "../images/ensure-image.js";
import { ensureRoot } from "../images/ensure-root.js";
import { loadImageDefinition } from "../images/image-definition.js";
import type { OnImageProgress } from "../images/image-progress.js";
import { PACKAGE_ROOT } from "../package-root.js";
import type { SandboxImage } from "../runtimes/runtime.js";
import type { ChosenRuntime } from "./runtime-choice.js";

/** Where the project's image definitions are. */
export const IMAGE_DEFINITIONS = join(PACKAGE_ROOT, "kernel-images");

const KERNELD = join(IMAGE_DEFINITIONS, "kerneld");

/** Every image starts kerneld by this, and has its own interpreter beside it. */
const ENTRYPOINT: [string] = ["/opt/hotcell/bin/kerneld"];
const INTERPRETER = "/opt/hotcell/bin/python3";

export interface PrepareImageOptions {
  runtime: ChosenRuntime;
  /** Root file systems, and locks of those who build. */
  imagesDirectory: string;
  signal: AbortSignal;
  onProgress: OnImageProgress;
  rebuild?: boolean;
}

export interface PreparedImage {
  /** As the runtime names images. */
  reference: string;
  built: boolean;
  description: string;
  languages: string[];
}

/**
 * Makes sure that the runtime has an image of the project's. Throws `runtime_unavailable` where Docker was meant and no
 * engine answers, and PrerequisiteError where the machine lacks what a build needs.
 */
export async function prepareImage(
  name: string,
  options: PrepareImageOptions,
): Promise<PreparedImage> {
  const { runtime, imagesDirectory, signal, onProgress, rebuild = false } = options;
  const definition = await loadImageDefinition(join(IMAGE_DEFINITIONS, name));
  const common = { definition, kerneldDirectory: KERNELD, onProgress, signal, rebuild };
  const { description } = definition;
  const languages = definition.languages.map((language) => language.name);
  if (runtime === "local") {
    const { reference, built } = await ensureRoot({ ...common, directory: imagesDirectory });
    return { reference, built, description, languages };
  }
  const { connectEngine } = await import("../runtimes/docker/engine.js");
  const engine = connectEngine();
  await engine.call(() => engine.docker.ping(), { signal });
  const { reference, built } = await ensureImage({
    ...common,
    docker: engine.docker,
    stateDirectory: imagesDirectory,
  });
  return { reference, built, description, languages };
}

/** What sandboxes are made from, for a reference that `prepareImage` gave. */
export function sandboxImage(reference: string): SandboxImage {
  return { reference, entrypoint: ENTRYPOINT, interpreter: INTERPRETER };
}
