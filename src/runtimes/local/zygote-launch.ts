import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, open } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { rootInterpreter } from "../../images/root-interpreter.js";
import { RuntimeError } from "../runtime.js";
import type { HomeCgroup } from "./home-cgroups.js";
import type { IdBlock } from "./id-block.js";
import type { ProcessIdentity } from "./process-identity.js";
import { launchRefusal } from "./refusal.js";

/** A zygote imports what is preloaded: seconds on a cold disk. */
const PATIENCE_MS = 60_000;

export interface ZygotePlan {
  /** The image's directory. */
  reference: string;
  preload: readonly string[];
  /** The directory below which all link directories are. */
  links: string;
  /** An empty directory for its sockets and its log. */
  directory: string;
  ids: IdBlock | undefined;
  cgroups: readonly HomeCgroup[];
}

const answer = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), pid: z.int().min(2), started: z.int().min(0) }),
  z.object({
    ok: z.literal(false),
    code: z.string(),
    detail: z.string(),
  }),
]);

/**
 * Launches a zygote and waits until it is ready. It outlives this process.
 * @throws RuntimeError `image_missing`, or `runtime_unavailable` with the remedy; the reason of `signal`
 */
export async function launchZygote(
  plan: ZygotePlan,
  signal: AbortSignal,
): Promise<ProcessIdentity> {
  signal.throwIfAborted();
  const interpreter = await findInterpreter(plan.reference);
  const layer = join(plan.reference, "layer");
  const main =
    `import sys; sys.path.insert(0, ${JSON.stringify(join(layer, "opt/hotcell/kerneld"))}); ` +
    "from kerneld.host.launcher import main; main()";
  const logFile = join(plan.directory, "log");
  const log = await open(logFile, "a", 0o600);
  const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  let said: string | undefined;
  try {
    const launcher = spawn(interpreter.command, [...interpreter.args, "-I", "-c", main], {
      cwd: "/",
      env: interpreter.env,
      detached: true,
      stdio: ["pipe", "pipe", log.fd],
    });
    said = await converse(launcher, configuration(plan), patience);
  } catch (error) {
    throw launchRefusal("", error instanceof Error ? error.message : String(error), plan.reference);
  } finally {
    await log.close();
  }
  signal.throwIfAborted();
  const parsed = answer.safeParse(parse(said));
  if (!parsed.success) {
    const reason = patience.aborted
      ? `was not ready within ${PATIENCE_MS / 1000} s`
      : "ended without a word";
    throw new RuntimeError(
      "runtime_unavailable",
      `The zygote of ${plan.reference} ${reason}: see ${logFile}`,
      { cause: parsed.error },
    );
  }
  if (!parsed.data.ok) throw launchRefusal(parsed.data.code, parsed.data.detail, plan.reference);
  return { pid: parsed.data.pid, started: parsed.data.started };
}

const configuration = (plan: ZygotePlan): string =>
  JSON.stringify({
    root: join(plan.reference, "root"),
    layer: join(plan.reference, "layer"),
    links: plan.links,
    sockets: plan.directory,
    ids: plan.ids ?? null,
    cgroups: plan.cgroups.map(({ hierarchy, version, path }) => ({ hierarchy, version, path })),
    preload: plan.preload,
  });

/** Says `input` to a launcher; resolves with the first line that it says, when it has ended. */
async function converse(
  launcher: ChildProcess,
  input: string,
  patience: AbortSignal,
): Promise<string | undefined> {
  const { stdin, stdout } = launcher;
  if (!stdin || !stdout) throw new Error("the launcher has no pipes");
  const end = (): void => killGroup(launcher.pid);
  patience.addEventListener("abort", end, { once: true });
  try {
    const ended = once(launcher, "close");
    // What it says tells more than a pipe that it closed early.
    stdin.on("error", () => undefined);
    stdin.end(input);
    let said: string | undefined;
    createInterface(stdout).on("line", (line) => (said ??= line));
    await ended;
    return said;
  } finally {
    patience.removeEventListener("abort", end);
  }
}

async function findInterpreter(
  reference: string,
): Promise<Awaited<ReturnType<typeof rootInterpreter>>> {
  try {
    if (!isAbsolute(reference)) throw new Error("it is not an absolute path");
    await access(join(reference, "layer/opt/hotcell/kerneld/kerneld"));
    return await rootInterpreter(reference);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuntimeError(
      "image_missing",
      `There is no whole image in ${reference}: build it with \`hotcell images\` (${reason})`,
      { cause: error },
    );
  }
}

function parse(line: string | undefined): unknown {
  try {
    return JSON.parse(line ?? "") as unknown;
  } catch {
    return undefined;
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended by itself in the meantime.
  }
}
