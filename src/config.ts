import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type * as Yaml from "yaml";
import { z } from "zod";

const LOOPBACK_HOSTS = new Set(["127.0.0.1", "::1", "localhost"]);

const key = z.strictObject({
  tenant: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, "is 1 to 64 lower-case letters, digits and hyphens"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "is the key's SHA-256 in hex"),
});

const uidRange = z
  .strictObject({ from: z.int().min(1000), to: z.int().max(4_294_967_293) })
  .refine((range) => range.to > range.from, "ends after it starts");

/** Every setting there is; durations in seconds, sizes in bytes. */
export const configSchema = z.strictObject({
  host: z.string().min(1).default("127.0.0.1"),
  port: z.int().min(0).max(65535).default(8788),
  home: z.string().min(1),
  api_key: z.string().min(16, "has at least 16 characters").optional(),
  keys: z.array(key).default([]),
  runtime: z.enum(["auto", "docker", "local", "kubernetes"]).default("auto"),
  end_sessions: z.boolean().default(false),
  max_sessions: z.int().min(1).max(100_000).default(64),
  allowed_hosts: z.array(z.string().min(1)).default([]),
  allowed_origins: z.array(z.url()).default([]),
  log_level: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  default_image: z.string().min(1).default("python"),
  images_directory: z.string().min(1).optional(),
  body_limit_bytes: z
    .int()
    .min(64 * 1024)
    .default(8 * 1024 * 1024),
  docker: z
    .strictObject({
      uid_range: uidRange.optional(),
      strong_runtime: z.string().min(1).optional(),
    })
    .prefault({}),
  local: z
    .strictObject({
      preload: z
        .array(z.string().regex(/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/, "is a Python module's name"))
        .max(64)
        .default(["numpy", "pandas", "matplotlib.pyplot"]),
      uid_range: uidRange.optional(),
    })
    .prefault({}),
  session: z
    .strictObject({
      memory_bytes: z
        .int()
        .min(128 * 1024 * 1024)
        .default(2 * 1024 ** 3),
      pids: z.int().min(32).default(256),
      disk_bytes: z
        .int()
        .min(1024 * 1024)
        .default(1024 ** 3),
      idle_s: z.number().positive().default(1800),
      ttl_s: z.number().positive().optional(),
      timeout_s: z.number().positive().default(120),
      grace_s: z.number().positive().default(5),
      start_timeout_s: z.number().positive().default(60),
    })
    .prefault({}),
});

export type Config = z.output<typeof configSchema> & {
  /** Where root file systems of images, and locks of their builders, are: `images` in the home unless it is set. */
  images_directory: string;
};

/** A setting that cannot be used: the message names the setting and where it was set. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

type Raw = Record<string, unknown>;

const number = (text: string): unknown => (text.trim() === "" ? text : Number(text));
const list = (text: string): unknown => text.split(",").map((entry) => entry.trim());
const boolean = (text: string): unknown =>
  text === "true" || text === "1" ? true : text === "false" || text === "0" ? false : text;
const identity = (text: string): unknown => text;

/** The environment's names for settings; nothing else that starts with `HOTCELL_` is accepted. */
const ENVIRONMENT: Record<string, { setting: string; parse: (text: string) => unknown }> = {
  HOTCELL_HOST: { setting: "host", parse: identity },
  HOTCELL_PORT: { setting: "port", parse: number },
  HOTCELL_HOME: { setting: "home", parse: identity },
  HOTCELL_IMAGES: { setting: "images_directory", parse: identity },
  HOTCELL_API_KEY: { setting: "api_key", parse: identity },
  HOTCELL_RUNTIME: { setting: "runtime", parse: identity },
  HOTCELL_END_SESSIONS: { setting: "end_sessions", parse: boolean },
  HOTCELL_MAX_SESSIONS: { setting: "max_sessions", parse: number },
  HOTCELL_LOG_LEVEL: { setting: "log_level", parse: identity },
  HOTCELL_ALLOWED_HOSTS: { setting: "allowed_hosts", parse: list },
  HOTCELL_ALLOWED_ORIGINS: { setting: "allowed_origins", parse: list },
};

/**
 * Set by the project's own scripts and tests, or to tell clients (`HOTCELL_URL`) and `hotcell run` (`HOTCELL_GATEWAY_URL`) where
 * a gateway is, which may share a shell with it.
 */
const RESERVED_ENVIRONMENT = /^HOTCELL_(?:(?:TEST|CI|BENCH|CHAOS)_|(?:GATEWAY_)?URL$)/;

function readFile(path: string, required: boolean): Raw {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (!required && (error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new ConfigError(
      `The configuration file ${path} cannot be read: ${(error as Error).message}`,
    );
  }
  let content: unknown;
  try {
    // Most gateways have no such file, and would load the parser for nothing.
    const { parse } = createRequire(import.meta.url)("yaml") as typeof Yaml;
    content = parse(text);
  } catch (error) {
    throw new ConfigError(
      `The configuration file ${path} is not YAML: ${(error as Error).message}`,
    );
  }
  if (content === null || content === undefined) return {};
  if (typeof content !== "object" || Array.isArray(content)) {
    throw new ConfigError(`The configuration file ${path} must hold a mapping of settings`);
  }
  return content as Raw;
}

function readEnvironment(env: NodeJS.ProcessEnv): { raw: Raw; origin: Map<string, string> } {
  const raw: Raw = {};
  const origin = new Map<string, string>();
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith("HOTCELL_") || RESERVED_ENVIRONMENT.test(name) || text === undefined)
      continue;
    const known = ENVIRONMENT[name];
    if (!known) {
      throw new ConfigError(
        `${name} in the environment is not a setting; known are ${Object.keys(ENVIRONMENT).join(", ")}`,
      );
    }
    raw[known.setting] = known.parse(text);
    origin.set(known.setting, `${name} in the environment`);
  }
  return { raw, origin };
}

export interface ConfigSources {
  /** Values of flags, by name without the leading hyphens; `undefined` where a flag was not given. */
  flags?: Raw;
  env?: NodeJS.ProcessEnv;
  /** An explicitly named configuration file; it must exist. Default: `hotcell.config.yaml` in `cwd`, if there. */
  file?: string;
  cwd?: string;
}

/**
 * Reads flags over environment over file over defaults.
 * @throws ConfigError naming the first setting that is unknown or ill-typed, and where it was set
 */
export function loadConfig(sources: ConfigSources = {}): Config {
  const cwd = sources.cwd ?? process.cwd();
  const path = resolve(cwd, sources.file ?? "hotcell.config.yaml");
  const file = readFile(path, sources.file !== undefined);
  const { raw: environment, origin } = readEnvironment(sources.env ?? process.env);
  const flags: Raw = {};
  for (const [flag, value] of Object.entries(sources.flags ?? {})) {
    if (value === undefined) continue;
    const setting = flag.replaceAll("-", "_");
    const isNumber = typeof value === "string" && ["port", "max_sessions"].includes(setting);
    flags[setting] = isNumber ? number(value) : value;
    origin.set(setting, `--${flag}`);
  }
  const parsed = configSchema.safeParse({
    home: join(homedir(), ".hotcell"),
    ...file,
    ...environment,
    ...flags,
  });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
    const setting = [
      ...(issue?.path ?? []).map(String),
      ...(unknown === undefined ? [] : [unknown]),
    ];
    const from = origin.get(setting[0] ?? "") ?? path;
    throw new ConfigError(
      `The setting ${setting.join(".")} (${from}) ${unknown === undefined ? `is not valid: ${issue?.message ?? ""}` : "does not exist"}`,
    );
  }
  const home = resolve(cwd, parsed.data.home);
  const images = parsed.data.images_directory;
  const config: Config = {
    ...parsed.data,
    home,
    images_directory: images === undefined ? join(home, "images") : resolve(cwd, images),
  };
  if (
    !LOOPBACK_HOSTS.has(config.host) &&
    config.api_key === undefined &&
    config.keys.length === 0
  ) {
    throw new ConfigError(
      `The setting host (${origin.get("host") ?? path}) is ${config.host}, which others can reach: set HOTCELL_API_KEY, or keys in ${path}, first`,
    );
  }
  return config;
}

/** Whether only this machine can reach a gateway that listens on `host`. */
export function isLoopback(host: string): boolean {
  return LOOPBACK_HOSTS.has(host);
}
