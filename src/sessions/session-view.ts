import { z } from "zod";
import { limitsSchema } from "./session-options.js";

export const SESSION_STATES = [
  "starting",
  "running",
  "paused",
  "unresponsive",
  "stopping",
  "ended",
] as const;

export type SessionState = (typeof SESSION_STATES)[number];

export const kernelViewSchema = z
  .object({
    id: z.uuid(),
    language: z.string(),
    language_version: z.string(),
    name: z.string().nullable().describe("As it was called when it was made"),
    execution_state: z.enum(["starting", "idle", "busy", "restarting", "dead"]),
    generation: z.int().describe("How many interpreters it has had"),
    execution_count: z.int().describe("The number of the interpreter's latest input"),
    last_death: z
      .object({
        reason: z.string(),
        signal: z.int().nullable(),
        exit_code: z.int().nullable(),
        at: z.iso.datetime(),
      })
      .nullable(),
  })
  .meta({ id: "Kernel" });

export type KernelView = z.output<typeof kernelViewSchema>;

/** A session as clients see it. */
export const sessionViewSchema = z
  .object({
    id: z.string(),
    sandbox_id: z.string(),
    state: z.enum(SESSION_STATES),
    reason: z.string().optional().describe("Why it is in this state, where that is not plain"),
    image: z.string(),
    runtime: z.string(),
    limits: limitsSchema
      .required()
      .extend({
        cpu: z.number().nullable(),
        memory_bytes: z.int().nullable(),
        pids: z.int().nullable(),
      })
      .describe("As in force; null where this machine cannot limit"),
    isolation: z.object({
      tier: z.enum(["standard", "strong"]),
      protections: z.array(z.string()),
      missing: z.array(z.object({ name: z.string(), detail: z.string() })),
    }),
    workspace: z.object({
      kind: z
        .enum(["volume-quota", "tmpfs"])
        .describe("`tmpfs`: in memory, counts towards memory_bytes"),
      bytes: z.int(),
    }),
    lifetime: z.object({
      ttl_s: z.number().nullable(),
      idle_s: z.number(),
      on_idle: z.enum(["delete"]),
    }),
    start: z.object({ kind: z.enum(["warm", "forked", "cold", "restored"]), ms: z.number() }),
    kernels: z.array(kernelViewSchema),
    metadata: z.record(z.string(), z.string()),
    usage: z
      .object({
        cpu_ms: z.number(),
        memory_bytes: z.number(),
        memory_peak_bytes: z.number().nullable(),
      })
      .nullable()
      .describe("From the sandbox's cgroup; null in lists and where it cannot be read"),
    created_at: z.iso.datetime(),
    last_active_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
  })
  .meta({ id: "Session" });

export type SessionView = z.output<typeof sessionViewSchema>;

export const executionViewSchema = z
  .object({
    id: z.string(),
    kernel_id: z.uuid(),
    generation: z.int().nullable().describe("Null until it starts"),
    state: z.enum(["queued", "running", "finished"]),
    position: z.int().describe("How many executions are ahead"),
    status: z.string().nullable(),
    execution_count: z.int().nullable(),
    waiting_for_input: z.boolean(),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    finished_at: z.iso.datetime().nullable(),
    links: z.object({ self: z.string(), events: z.string() }),
  })
  .meta({ id: "Execution" });

export type ExecutionView = z.output<typeof executionViewSchema>;
