import { z } from "zod";
import { textSchema } from "../../../sessions/session-options.js";

/** A kernel, as `/api/kernels` has it. */
export const kernelModel = z
  .object({
    id: z.uuid(),
    name: z.string().describe("Of its kernelspec"),
    last_activity: z.iso.datetime(),
    execution_state: z.enum(["starting", "idle", "busy", "restarting", "dead"]),
    connections: z.int(),
  })
  .meta({ id: "JupyterKernel" });

/** What Jupyter calls a session: a document and the kernel that it uses. */
export const notebookSessionModel = z
  .object({
    id: z.string(),
    path: z.string(),
    name: z.string(),
    type: z.string(),
    kernel: kernelModel,
    notebook: z
      .object({ path: z.string(), name: z.string() })
      .describe("As older clients expect it"),
  })
  .meta({ id: "JupyterSession" });

export const kernelspecModel = z
  .object({
    name: z.string(),
    spec: z.object({
      argv: z.array(z.string()),
      env: z.record(z.string(), z.string()),
      display_name: z.string(),
      language: z.string(),
      interrupt_mode: z.string(),
      metadata: z.record(z.string(), z.unknown()),
    }),
    resources: z.record(z.string(), z.string()),
  })
  .meta({ id: "JupyterKernelspec" });

/** Clients send more than is needed, and null for what they do not know. */
const kernelName = z.string().min(1).max(200);
const documentText = textSchema.max(4096);

export const newKernelBody = z
  .object({
    name: kernelName.nullish(),
    path: z.string().nullish(),
    kernel_id: z.uuid().nullish(),
    env: z.record(z.string(), z.unknown()).nullish(),
  })
  .nullish();

const kernelChoice = z.object({ id: z.string().max(64).nullish(), name: kernelName.nullish() });

export const newSessionBody = z.object({
  id: z.string().min(1).max(128).nullish(),
  path: documentText.min(1),
  name: documentText.nullish(),
  type: z.string().min(1).max(64).nullish(),
  kernel: kernelChoice.nullish(),
});

export const changedSessionBody = z.object({
  path: documentText.min(1).nullish(),
  name: documentText.nullish(),
  type: z.string().min(1).max(64).nullish(),
  kernel: kernelChoice.nullish(),
});
