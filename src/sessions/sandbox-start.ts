import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { FastifyBaseLogger } from "fastify";
import { HotcellError } from "../errors.js";
import type {
  IsolationTier,
  LimitRequest,
  Runtime,
  Sandbox,
  SandboxImage,
} from "../runtimes/runtime.js";
import type { Enrolment } from "../sandboxes/hello.js";
import type { JournalRecord } from "../sandboxes/journal-record.js";
import { createKerneldClient, type KerneldClient } from "../sandboxes/kerneld-client.js";
import { openLink, type SandboxLink } from "../sandboxes/link.js";
import { openSandboxFeed, type SandboxFeed } from "../sandboxes/sandbox-feed.js";
import { stripEscapes } from "../kernels/terminal-text.js";
import { clientError } from "./sandbox-error.js";
import { factsOf, type SandboxFacts } from "./sandbox-facts.js";
import { SessionKernels } from "./session-kernels.js";

/** What a sandbox is made from, and what makes it a session's. */
export interface SandboxPlan {
  sandboxId: string;
  sessionId: string;
  image: SandboxImage;
  limits: LimitRequest;
  isolation: IsolationTier;
  env: Record<string, string>;
  cwd: string | null;
  languages: string[];
  files: { path: string; bytes: Buffer }[];
}

export interface SandboxServices {
  runtime: Runtime;
  /** The directory that holds each sandbox's link directory; no other user may enter it. */
  linksDirectory: string;
  startTimeoutMs: number;
  log: FastifyBaseLogger;
}

export interface SandboxHooks {
  /** Resolves when the enrolment would survive the gateway. */
  onEnrol(enrolment: Enrolment): Promise<void>;
  onRecord(record: JournalRecord): void;
  /** The sandbox broke the protocol. */
  onFailure(): void;
}

/** A running sandbox that belongs to a session, and the ways to it. */
export interface AssignedSandbox {
  facts: SandboxFacts;
  link: SandboxLink;
  feed: SandboxFeed;
  kerneld: KerneldClient;
  kernels: SessionKernels;
}

/** Where a sandbox's link is. */
export function linkDirectory(linksDirectory: string, sandboxId: string): string {
  return join(linksDirectory, sandboxId, "link");
}

const CONSOLE_LINES = 20;

/** The end of what a sandbox's first process printed, fit for an error's detail. */
function consoleEnd(sandbox: Sandbox | undefined): string {
  const text = stripEscapes(sandbox?.consoleTail() ?? "")
    // eslint-disable-next-line no-control-regex -- whoever controls the sandbox writes this
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, " ")
    .toWellFormed()
    .trim();
  return text === "" ? "" : `; it printed: ${text.split("\n").slice(-CONSOLE_LINES).join("\n")}`;
}

function startError(error: unknown, signal: AbortSignal, sandbox: Sandbox | undefined): unknown {
  const cause: unknown = signal.aborted ? signal.reason : error;
  const told = clientError(cause);
  if (!(told instanceof HotcellError)) return told;
  const telling = ["sandbox_unreachable", "sandbox_unresponsive", "sandbox_protocol_violation"];
  if (telling.includes(told.code) || told.code === "session_start_failed") {
    return new HotcellError("session_start_failed", `${told.detail}${consoleEnd(sandbox)}`, {
      cause,
    });
  }
  return told;
}

/**
 * Makes a sandbox, waits for it to dial, and assigns it. When it rejects, nothing is left of it.
 * @throws HotcellError `session_start_failed`, or what the runtime refused; the reason of `signal`
 */
export async function startSandbox(
  plan: SandboxPlan,
  services: SandboxServices,
  hooks: SandboxHooks,
  stop: AbortSignal,
): Promise<AssignedSandbox> {
  const { runtime, log } = services;
  const began = performance.now();
  const tooLate = new HotcellError(
    "session_start_failed",
    `The sandbox was not ready within ${services.startTimeoutMs / 1000} s`,
  );
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(tooLate), services.startTimeoutMs);
  const signal = AbortSignal.any([stop, deadline.signal]);
  let link: SandboxLink | undefined;
  let feed: SandboxFeed | undefined;
  let sandbox: Sandbox | undefined;
  try {
    const directory = linkDirectory(services.linksDirectory, plan.sandboxId);
    link = await openLink({
      directory,
      sandboxId: plan.sandboxId,
      onEnrol: (enrolment) => hooks.onEnrol(enrolment),
      logger: log,
    });
    sandbox = await runtime.create(
      {
        sandboxId: plan.sandboxId,
        image: plan.image,
        limits: plan.limits,
        isolation: plan.isolation,
        linkDirectory: directory,
      },
      { signal },
    );
    await link.connected(signal);
    feed = openSandboxFeed({
      link,
      onRecord: (record) => hooks.onRecord(record),
      onFailure: () => hooks.onFailure(),
      logger: log,
    });
    const kerneld = createKerneldClient(link);
    const state = await kerneld.assign(
      {
        session_id: plan.sessionId,
        env: plan.env,
        cwd: plan.cwd,
        kernels: plan.languages.map((language) => ({ id: randomUUID(), language })),
      },
      { signal },
    );
    for (const { path, bytes } of plan.files) {
      await kerneld.files.write(path, chunksOf(bytes), { signal });
    }
    return {
      facts: factsOf(sandbox, Math.round(performance.now() - began)),
      link,
      feed,
      kerneld,
      kernels: new SessionKernels(kerneld.kernels, state),
    };
  } catch (error) {
    feed?.close();
    await link?.close();
    await runtime.destroy(plan.sandboxId).catch((failure: unknown) => {
      log.error(
        { err: failure, sandbox_id: plan.sandboxId },
        "a sandbox that failed to start is left",
      );
    });
    throw startError(error, signal, sandbox);
  } finally {
    clearTimeout(timer);
  }
}

const CHUNK_BYTES = 256 * 1024;

function* slices(bytes: Buffer): Generator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** The bytes as a stream, in pieces that the link's back-pressure can hold up. */
async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield* slices(bytes);
}
