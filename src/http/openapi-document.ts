import { pino } from "pino";
import { stringify } from "yaml";
import { NotebookSessions } from "../sessions/jupyter/notebook-sessions.js";
import { KeyRing } from "../sessions/key-ring.js";
import type { SessionRegistry } from "../sessions/session-registry.js";
import { version } from "../version.js";
import { buildServer } from "./server.js";

/** The API's OpenAPI document as YAML: what `openapi/openapi.yaml` must hold. Nothing is started for it. */
export async function openApiYaml(): Promise<string> {
  const server = await buildServer(
    {
      // Routes are only described here, never called.
      sessions: undefined as unknown as SessionRegistry,
      notebookSessions: new NotebookSessions(),
      keys: new KeyRing([]),
      cookieSecret: "",
      readiness: () => ({
        status: "not_ready",
        runtime: { name: "none", ready: false, detail: "" },
        sessions: { live: 0, limit: 0 },
      }),
      images: [],
      log: pino({ level: "silent" }),
      version,
    },
    { bodyLimitBytes: 1024 * 1024, hosts: new Set() },
  );
  try {
    await server.ready();
    return stringify(await server.describeApi(), { lineWidth: 110, aliasDuplicateObjects: false });
  } finally {
    await server.close();
  }
}
