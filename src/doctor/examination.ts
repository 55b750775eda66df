import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config.js";
import { IMAGE_DEFINITIONS, sandboxImage } from "../gateway/images.js";
import { chooseRuntime, openRuntime, type ChosenRuntime } from "../gateway/runtime-choice.js";
import type { RootQuestion } from "../images/ensure-root.js";
import { loadImageDefinition } from "../images/image-definition.js";
import type { OnImageProgress } from "../images/image-progress.js";
import { connectEngine } from "../runtimes/docker/engine.js";
import { readMachine } from "../runtimes/local/machine.js";
import type { Runtime } from "../runtimes/runtime.js";
import type { Facts } from "./diagnosis.js";
import type { DockerFacts } from "./docker-findings.js";
import { readEngineDetails } from "./engine-details.js";
import { diskImage, engineImage, type ImageFacts } from "./image-facts.js";
import type { LocalFacts } from "./local-findings.js";
import { readStartFacts } from "./start-facts.js";
import { refusedTrial, tryRuntime, type Trial } from "./trial.js";

export interface ExaminationOptions {
  config: Config;
  /** How this program is called here. */
  self: string;
  /** Those to look at. */
  runtimes: readonly ChosenRuntime[];
  signal: AbortSignal;
  onProgress: OnImageProgress;
}

/**
 * Looks at the machine, and tries each runtime with a sandbox where its image is there. Builds nothing, claims nothing,
 * and leaves no sandbox. Throws the signal's reason.
 */
export async function examine(options: ExaminationOptions): Promise<Facts> {
  const { config, self, runtimes, signal, onProgress } = options;
  onProgress({ step: "looking at this machine" });
  const [choice, start, machine] = await Promise.all([
    chosen(config, signal),
    readStartFacts(config, signal),
    process.platform === "linux" ? readMachine() : null,
  ]);
  const question = {
    definition: await loadImageDefinition(join(IMAGE_DEFINITIONS, config.default_image)),
    kerneldDirectory: join(IMAGE_DEFINITIONS, "kerneld"),
    directory: config.images_directory,
  };
  const context = { config, mayTry: start.homeProblem === null, signal, onProgress };
  const docker = runtimes.includes("docker") ? await examineDocker(question, context) : null;
  const local = runtimes.includes("local") ? await examineLocal(question, context) : null;
  return { self, setting: config.runtime, choice, start, machine, docker, local };
}

async function chosen(config: Config, signal: AbortSignal): Promise<Facts["choice"]> {
  try {
    const { name, why } = await chooseRuntime(config, signal);
    return { runtime: name, why: why ?? null };
  } catch (error) {
    signal.throwIfAborted();
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

interface Context extends Pick<ExaminationOptions, "config" | "signal" | "onProgress"> {
  /** Whether there is, or can be, a home for the sandbox of a trial. */
  mayTry: boolean;
}

async function examineDocker(question: RootQuestion, context: Context): Promise<DockerFacts> {
  const { config, signal, onProgress } = context;
  const engine = connectEngine();
  const { address } = engine;
  const strongRuntime = config.docker.strong_runtime ?? null;
  onProgress({ step: "asking the Docker engine", detail: address });
  try {
    const details = await readEngineDetails(engine, signal);
    const image = await engineImage(engine, question, signal);
    const trial = await tryIn("docker", image, context);
    return { address, trial, engine: { details, image }, strongRuntime };
  } catch (error) {
    signal.throwIfAborted();
    return { address, trial: refusedTrial(error), engine: null, strongRuntime };
  }
}

async function examineLocal(question: RootQuestion, context: Context): Promise<LocalFacts> {
  const image = await diskImage(question);
  return { trial: await tryIn("local", image, context), image };
}

/** In the home itself, for where a socket is decides whether sandboxes reach it; beside a gateway that may have it. */
async function tryIn(
  name: ChosenRuntime,
  { isThere, reference }: ImageFacts,
  { config, mayTry, signal, onProgress }: Context,
): Promise<Trial> {
  const trying = isThere && mayTry;
  if (trying) {
    onProgress({ step: `trying a sandbox of the runtime ${name}` });
    await mkdir(config.home, { recursive: true, mode: 0o700 });
  }
  let runtime: Runtime;
  try {
    const home = { directory: config.home, id: await homeId(config.home) };
    runtime = await openRuntime(name, config, home);
  } catch (error) {
    return refusedTrial(error);
  }
  try {
    return await tryRuntime(runtime, trying ? sandboxImage(reference) : undefined, signal);
  } finally {
    await runtime.close();
  }
}

/** The home's, so that its gateway would remove what a killed trial leaves; any where the home has none yet. */
async function homeId(home: string): Promise<string> {
  const id = await readFile(join(home, "id"), "utf8").catch(() => "");
  return /^[a-z0-9]{1,40}$/.test(id.trim()) ? id.trim() : randomBytes(10).toString("hex");
}
