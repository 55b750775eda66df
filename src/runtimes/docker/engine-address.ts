import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

const clientConfig = z.object({ currentContext: z.string().optional() });
const contextMetadata = z.object({
  Endpoints: z.object({ docker: z.object({ Host: z.string().min(1) }) }),
});

/**
 * Where the engine is, as the `docker` command decides it: `DOCKER_HOST`, then the current context, then the system's
 * socket; where that is missing, the sockets of rootless Docker and Docker Desktop.
 */
export function engineAddress(env: NodeJS.ProcessEnv): string {
  if (env["DOCKER_HOST"]) {
    return env["DOCKER_HOST"].includes("//") ? env["DOCKER_HOST"] : `tcp://${env["DOCKER_HOST"]}`;
  }
  const context = contextAddress(env);
  if (context) return context;
  const system = "/var/run/docker.sock";
  const candidates = [
    system,
    ...(env["XDG_RUNTIME_DIR"] ? [join(env["XDG_RUNTIME_DIR"], "docker.sock")] : []),
    join(homedir(), ".docker/run/docker.sock"),
  ];
  return `unix://${candidates.find((path) => existsSync(path)) ?? system}`;
}

function contextAddress(env: NodeJS.ProcessEnv): string | undefined {
  const directory = env["DOCKER_CONFIG"] ?? join(homedir(), ".docker");
  const name =
    env["DOCKER_CONTEXT"] ??
    readJson(join(directory, "config.json"), clientConfig)?.currentContext ??
    "default";
  if (name === "default") return undefined;
  const digest = createHash("sha256").update(name).digest("hex");
  const metadata = readJson(join(directory, "contexts/meta", digest, "meta.json"), contextMetadata);
  return metadata?.Endpoints.docker.Host;
}

/** Undefined for files that are missing, unreadable or of another form: they belong to another program. */
function readJson<T>(path: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch {
    return undefined;
  }
}
