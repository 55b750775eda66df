import type { IsolationTier, LimitRequest } from "../runtimes/runtime.js";

/** What a session was made with: nothing of it changes. */
export interface SessionIdentity {
  id: string;
  tenant: string;
  sandboxId: string;
  image: string;
  /** As they were asked for. */
  limits: LimitRequest;
  isolation: IsolationTier;
  lifetime: { ttl_s: number | null; idle_s: number };
  metadata: Record<string, string>;
  defaults: { timeout_s: number; grace_s: number };
  optionsDigest: string;
  createdAt: Date;
}
