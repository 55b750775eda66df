import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { SiteFile } from "../../src/http/playground/site.js";
import { buildServer } from "../../src/http/server.js";
import type { Runtime, SandboxEvent, SandboxSpecification } from "../../src/runtimes/runtime.js";
import { EndedSessions } from "../../src/sessions/ended-sessions.js";
import { KeyRing } from "../../src/sessions/key-ring.js";
import { SessionRecordFiles, type SessionRecordStore } from "../../src/sessions/session-record.js";
import { NotebookSessions } from "../../src/sessions/jupyter/notebook-sessions.js";
import { SessionRegistry, type RegistryOptions } from "../../src/sessions/session-registry.js";
import {
  type FriendlyKerneld,
  type FriendlyOptions,
  startFriendlyKerneld,
} from "../sandboxes/friendly-kerneld.js";

export const KEY = "key-of-the-default-tenant";
export const OTHER_KEY = "key-of-another-tenant";

/** A runtime whose sandboxes are doubles in this process. */
export interface DoubleRuntime extends Runtime {
  readonly doubles: Map<string, FriendlyKerneld>;
  readonly specifications: SandboxSpecification[];
  readonly destroyed: string[];
  /** What `create` throws, once. */
  failure: Error | undefined;
  emit(event: SandboxEvent): void;
}

function doubleRuntime(onRun: FriendlyOptions["onRun"]): DoubleRuntime {
  const listeners = new Set<(event: SandboxEvent) => void>();
  const doubles = new Map<string, FriendlyKerneld>();
  const specifications: SandboxSpecification[] = [];
  const destroyed: string[] = [];
  const none = { tier: "standard", protections: [], missing: [] } as const;
  const isolation = { tier: none.tier, protections: [], missing: [] };
  const runtime: DoubleRuntime = {
    name: "docker",
    transport: "unix-dial",
    doubles,
    specifications,
    destroyed,
    failure: undefined,
    capabilities: {
      pause: false,
      checkpoint: false,
      fork: false,
      diskQuota: "tmpfs",
      gpu: false,
      isolationTiers: ["standard"],
      separateSupervisor: true,
    },
    probe: () => Promise.reject(new Error("not asked here")),
    create: async (specification) => {
      specifications.push(specification);
      const { failure } = runtime;
      runtime.failure = undefined;
      if (failure) throw failure;
      const { sandboxId, linkDirectory } = specification;
      const double = await startFriendlyKerneld({
        socketPath: join(linkDirectory, "gateway.sock"),
        ...(onRun === undefined ? {} : { onRun }),
      });
      doubles.set(sandboxId, double);
      return {
        sandboxId,
        isolation,
        limits: {
          cpu: null,
          memoryBytes: 1,
          pids: 1,
          diskBytes: 1,
          gpu: 0,
          tmpfs: { workspace: 1, tmp: 1, shm: 1, kerneld: 1, kernels: 1 },
        },
        workspace: { kind: "tmpfs", bytes: 1 },
        uids: { user: 1, kerneld: 2 },
        startKind: "cold",
        startMs: 1,
        hostPid: null,
        consoleTail: () => "the last line\u001b[31m of kerneld",
      };
    },
    list: async () => [],
    destroy: async (id) => {
      destroyed.push(id);
      doubles.get(id)?.close();
    },
    usage: async () => ({ cpuMs: 1, memoryBytes: 2, memoryPeakBytes: 3 }),
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => undefined,
    emit: (event) => {
      for (const listener of listeners) listener(event);
    },
  };
  return runtime;
}

export interface TestGateway {
  url: string;
  runtime: DoubleRuntime;
  sessions: SessionRegistry;
  /** A call with the default tenant's key; a body is sent as JSON. */
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Response>;
  /** The double behind a session. */
  double(session: string): FriendlyKerneld;
  close(): Promise<void>;
}

export interface TestGatewayOptions {
  onRun?: FriendlyOptions["onRun"];
  maxSessions?: number;
  defaults?: Partial<RegistryOptions["defaults"]>;
  bodyLimitBytes?: number;
  records?: SessionRecordStore;
  playground?: SiteFile[] | undefined;
  stallMs?: number;
  /** Told each line that the gateway logs. */
  onLog?: (line: string) => void;
}

/** The gateway's HTTP side over doubles of sandboxes, listening on a free port. */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const directory = await mkdtemp(join(tmpdir(), "hc-"));
  const runtime = doubleRuntime(options.onRun);
  const { onLog } = options;
  const log = onLog === undefined ? pino({ level: "silent" }) : pino({}, { write: onLog });
  const sessions = new SessionRegistry({
    runtime,
    images: new Map([
      [
        "python",
        {
          image: { reference: "python", entrypoint: ["kerneld"], interpreter: "python3" },
          languages: ["python"],
        },
      ],
    ]),
    defaultImage: "python",
    records: options.records ?? new SessionRecordFiles(join(directory, "sessions")),
    ended: new EndedSessions(join(directory, "ended")),
    runsDirectory: join(directory, "runs"),
    linksDirectory: join(directory, "l"),
    maxSessions: options.maxSessions ?? 10,
    defaults: { idle_s: 600, timeout_s: 120, grace_s: 5, start_timeout_s: 10, ...options.defaults },
    log,
  });
  const keys = new KeyRing([]);
  keys.add("default", KEY);
  keys.add("other", OTHER_KEY);
  const server = await buildServer(
    {
      sessions,
      notebookSessions: new NotebookSessions(),
      keys,
      cookieSecret: "cookie secret of the tests",
      readiness: () => ({
        status: sessions.closed ? "not_ready" : "ready",
        runtime: { name: "docker", ready: true, detail: "double" },
        sessions: { live: sessions.live, limit: sessions.limit },
      }),
      images: [
        {
          name: "python",
          description: "Python",
          languages: ["python"],
          default: true,
          built: true,
        },
      ],
      log,
      version: "0.0.0",
    },
    {
      playground: options.playground,
      stallMs: options.stallMs,
      bodyLimitBytes: options.bodyLimitBytes ?? 8 * 1024 * 1024,
      hosts: new Set(["127.0.0.1", "localhost"]),
    },
  );
  await server.listen({ host: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  return {
    url,
    runtime,
    sessions,
    call: (method, path, body, headers = {}) =>
      fetch(url + path, {
        method,
        redirect: "manual",
        headers: {
          authorization: `Bearer ${KEY}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined
          ? {}
          : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    double: (session) => {
      const double = runtime.doubles.get(sessions.get("default", session).sandboxId);
      if (!double) throw new Error(`no double for ${session}`);
      return double;
    },
    close: async () => {
      await sessions.close();
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
