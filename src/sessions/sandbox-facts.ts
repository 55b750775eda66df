import { z } from "zod";
import type { ProtectionName, Sandbox } from "../runtimes/runtime.js";

const protection = z.string() as z.ZodType<string> as z.ZodType<ProtectionName>;
const bytes = z.number().min(0);

/** What a session tells of its sandbox, as it was started. */
export const sandboxFactsSchema = z.object({
  startKind: z.enum(["cold", "forked"]),
  /** How long the start took until the session could be used. */
  startMs: z.number(),
  limits: z.object({
    cpu: z.number().nullable(),
    memoryBytes: bytes.nullable(),
    pids: z.number().nullable(),
    diskBytes: bytes,
    gpu: z.number(),
  }),
  isolation: z.object({
    tier: z.enum(["standard", "strong"]),
    protections: z.array(protection),
    missing: z.array(z.object({ name: protection, detail: z.string() })),
  }),
  workspace: z.object({ kind: z.enum(["volume-quota", "tmpfs"]), bytes }),
});

export type SandboxFacts = z.output<typeof sandboxFactsSchema>;

/** The facts of a sandbox that took `startMs` until its session could be used. */
export function factsOf(sandbox: Sandbox, startMs: number): SandboxFacts {
  return sandboxFactsSchema.parse({ ...sandbox, startMs });
}
