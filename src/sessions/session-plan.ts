import { HotcellError } from "../errors.js";
import type { LimitRequest, RuntimeName, SandboxImage } from "../runtimes/runtime.js";
import { makeSandboxId } from "./id.js";
import type { SandboxPlan } from "./sandbox-start.js";
import type { SessionIdentity } from "./session-identity.js";
import type { SessionOptions } from "./session-options.js";
import { optionsDigest } from "./session-record.js";

/** An image that sessions can name. */
export interface SessionImage {
  image: SandboxImage;
  /** Languages whose kernels start with a session that does not say. */
  languages: string[];
}

/** What sessions get that do not say. */
export interface SessionDefaults {
  idle_s: number;
  ttl_s?: number | undefined;
  timeout_s: number;
  grace_s: number;
}

export interface PlanningServices {
  runtime: RuntimeName;
  images: ReadonlyMap<string, SessionImage>;
  defaultImage: string;
  defaults: SessionDefaults;
}

/** What a new session is, and what its sandbox is made from. Throws `image_not_found`, `runtime_not_found`. */
export function planSession(
  { tenant, id }: { tenant: string; id: string },
  options: SessionOptions,
  { runtime, images, defaultImage, defaults }: PlanningServices,
): { identity: SessionIdentity; plan: SandboxPlan } {
  const name = options.image ?? defaultImage;
  const image = images.get(name);
  if (!image) {
    const known = [...images.keys()].join(", ");
    throw new HotcellError("image_not_found", `There is no image ${name}; there are: ${known}`);
  }
  if (options.runtime !== undefined && options.runtime !== runtime) {
    throw new HotcellError("runtime_not_found", `This gateway runs sandboxes with ${runtime} only`);
  }
  const identity: SessionIdentity = {
    id,
    tenant,
    sandboxId: makeSandboxId(),
    image: name,
    limits: limitRequest(options.limits),
    isolation: options.isolation ?? "standard",
    lifetime: {
      ttl_s: options.lifetime?.ttl_s ?? defaults.ttl_s ?? null,
      idle_s: options.lifetime?.idle_s ?? defaults.idle_s,
    },
    metadata: options.metadata ?? {},
    defaults: { timeout_s: defaults.timeout_s, grace_s: defaults.grace_s },
    optionsDigest: immutableOptionsDigest(options),
    createdAt: new Date(),
  };
  const plan: SandboxPlan = {
    sandboxId: identity.sandboxId,
    sessionId: id,
    image: image.image,
    limits: identity.limits,
    isolation: identity.isolation,
    env: options.env ?? {},
    cwd: options.cwd ?? null,
    languages: options.kernels ?? image.languages,
    files: (options.files ?? []).map(({ path, content, content_base64 }) => ({
      path,
      bytes: Buffer.from(
        content ?? content_base64 ?? "",
        content === undefined ? "base64" : "utf8",
      ),
    })),
  };
  return { identity, plan };
}

/** The limits that were asked for: the runtime enforces these or refuses, its defaults may degrade and say so. */
function limitRequest(limits: SessionOptions["limits"]): LimitRequest {
  const asked = {
    cpu: limits?.cpu,
    gpu: limits?.gpu,
    memoryBytes: limits?.memory_bytes,
    pids: limits?.pids,
    diskBytes: limits?.disk_bytes,
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}

/** Tells whether two requests ask for the same session, as far as it cannot be changed. */
export function immutableOptionsDigest(options: SessionOptions): string {
  return optionsDigest({ ...options, metadata: undefined });
}
