import { z } from "zod";

/** Ids that clients choose: of sessions and executions. `.` and `..` would vanish from URLs. */
export const clientIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9._~-]{1,128}$/, "is 1 to 128 characters of A-Z a-z 0-9 . _ ~ -")
  .refine((id) => !/^\.+$/.test(id), "is more than dots");

/** Text that can be encoded as UTF-8: without half surrogate pairs. */
export const textSchema = z
  .string()
  .refine((text) => text.isWellFormed(), "is not well-formed Unicode: it holds a lone surrogate");

export const environmentSchema = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]{0,255}$/, "is a name of letters, digits and underscores"),
    textSchema
      .max(32_768)
      .refine((value) => !value.includes("\0"), "must not hold a NUL character"),
  )
  .refine((env) => Object.keys(env).length <= 256, "has at most 256 variables")
  .describe("Environment variables");

/** A path in a sandbox. What it means is for the sandbox to say; it travels as data. */
export const pathSchema = textSchema
  .min(1)
  .max(4096)
  .refine((path) => !path.includes("\0"), "must not hold a NUL character");

export const base64Schema = z
  .string()
  .refine(isBase64, "is not base64")
  .meta({ contentEncoding: "base64" });

const fileSchema = z
  .strictObject({
    path: pathSchema,
    content: textSchema.optional(),
    content_base64: base64Schema.optional(),
  })
  .refine(
    (file) => (file.content === undefined) !== (file.content_base64 === undefined),
    "has either content or content_base64",
  );

export const languageSchema = z
  .string()
  .regex(/^[a-z][a-z0-9+#._-]{0,31}$/, "is a language's name in lower case");

export const limitsSchema = z.strictObject({
  cpu: z.number().positive().max(1024).optional().describe("The most processors it may use"),
  memory_bytes: z
    .int()
    .min(128 * 1024 * 1024)
    .max(2 ** 44)
    .optional(),
  pids: z.int().min(32).max(65_536).optional().describe("Processes and threads"),
  disk_bytes: z
    .int()
    .min(1024 * 1024)
    .max(2 ** 44)
    .optional()
    .describe("Size of /workspace"),
  gpu: z.int().min(0).max(64).optional(),
});

const MAX_DURATION_S = 30 * 24 * 3600;

export const lifetimeSchema = z.strictObject({
  ttl_s: z
    .number()
    .positive()
    .max(MAX_DURATION_S)
    .optional()
    .describe("Ends this long after creation"),
  idle_s: z
    .number()
    .positive()
    .max(MAX_DURATION_S)
    .optional()
    .describe("Ends after this long unused"),
  on_idle: z.enum(["delete"]).optional(),
});

export const sessionOptionsShape = {
  image: z.string().min(1).max(128).optional().describe("A configured image's name"),
  runtime: z.enum(["docker", "local", "kubernetes"]).optional(),
  isolation: z.enum(["standard", "strong"]).optional(),
  env: environmentSchema.optional(),
  cwd: pathSchema.optional().describe("Working directory of its kernels, `/workspace` by default"),
  limits: limitsSchema.optional(),
  lifetime: lifetimeSchema.optional(),
  files: z.array(fileSchema).max(1000).optional().describe("Files that are there from the start"),
  kernels: z
    .array(languageSchema)
    .max(8)
    .optional()
    .describe("Languages to start at once; the image's own by default, none for []"),
  metadata: z
    .record(z.string().min(1).max(128), textSchema.max(4096))
    .refine((metadata) => Object.keys(metadata).length <= 64, "has at most 64 entries")
    .optional(),
};

/** What a client may say when it makes a session; everything has a default. */
export const sessionOptionsSchema = z
  .strictObject(sessionOptionsShape)
  .meta({ id: "SessionOptions" });

export type SessionOptions = z.output<typeof sessionOptionsSchema>;

/** Whether it is base64 with its padding. A pattern for all of it would run out of stack on a few megabytes. */
function isBase64(text: string): boolean {
  const end = text.search(/[^A-Za-z0-9+/]/);
  const padding = end === -1 ? "" : text.slice(end);
  return text.length % 4 === 0 && ["", "=", "=="].includes(padding);
}
