import type { SandboxPlan } from "./sandbox-start.js";

/** What a session was made with: nothing of it changes. */
export interface SessionIdentity {
  id: string;
  tenant: string;
  image: string;
  plan: SandboxPlan;
  lifetime: { ttl_s: number | null; idle_s: number };
  metadata: Record<string, string>;
  defaults: { timeout_s: number; grace_s: number };
  optionsDigest: string;
}
