import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Logger, pino } from "pino";
import { type Config, isLoopback } from "./config.js";
import { HotcellError } from "./errors.js";
import { prepareImage, sandboxImage } from "./gateway/images.js";
import { adoptSessions, openLinksDirectory, readRecords } from "./gateway/adoption.js";
import { linkProofRecord } from "./gateway/link-proof-record.js";
import { chooseRuntime, openRuntime, refusalOfBoth } from "./gateway/runtime-choice.js";
import { claimHome, type Home } from "./home.js";
import { listSite } from "./http/playground/site.js";
import { buildServer, closeSockets, type Server } from "./http/server.js";
import { notebookSessionFile } from "./gateway/notebook-session-file.js";
import { NotebookSessions } from "./sessions/jupyter/notebook-sessions.js";
import type { OnImageProgress } from "./images/image-progress.js";
import { PACKAGE_ROOT } from "./package-root.js";
import type { RuntimeReport, SandboxImage } from "./runtimes/runtime.js";
import { DEFAULT_TENANT, keptSecret, KeyRing } from "./sessions/key-ring.js";
import { EndedSessions } from "./sessions/ended-sessions.js";
import { SessionRecordFiles } from "./sessions/session-record.js";
import type { SessionImage } from "./sessions/session-plan.js";
import { SessionRegistry } from "./sessions/session-registry.js";
import { version } from "./version.js";

/** Where `npm run build` puts the playground. */
const PLAYGROUND = join(PACKAGE_ROOT, "dist/playground");

export interface GatewayOptions {
  config: Config;
  signal: AbortSignal;
  /** Told what the start is at. */
  onProgress: OnImageProgress;
  log?: Logger;
  /** Told how many sessions there are, each time that one is made or has ended. */
  onSessions?: (count: number) => void;
  /** As in `ServerOptions`. */
  pages?: boolean;
  /** Whether an earlier proof that a sandbox reaches the gateway is enough; otherwise each start proves it anew. */
  trustEarlierProof?: boolean;
  /** Whether sessions of an earlier gateway of the home end; otherwise they are taken up. */
  forgetSessions?: boolean;
}

export interface Gateway {
  /** `http://host:port`. */
  url: string;
  /** The key that was made for this home; `undefined` when keys are configured. */
  generatedKey: string | undefined;
  runtime: RuntimeReport;
  server: Server;
  /** How many sessions there are. */
  sessions(): number;
  /** Ends everything; sessions are left to the next gateway unless `end_sessions` is set. Idempotent. */
  close(): Promise<void>;
}

export function gatewayLogger(config: Pick<Config, "log_level">): Logger {
  return pino(
    {
      level: config.log_level,
      redact: ["*.authorization", "*.cookie", "*.code", "*.token", "*.key", "*.api_key", "*.env"],
    },
    pino.destination({ dest: 2, sync: false }),
  );
}

async function openKeys(
  config: Config,
  home: Home,
): Promise<{ keys: KeyRing; generated: string | undefined }> {
  const keys = new KeyRing(config.keys);
  if (config.api_key !== undefined) keys.add(DEFAULT_TENANT, config.api_key);
  if (config.api_key !== undefined || config.keys.length > 0) return { keys, generated: undefined };
  const generated = await keptSecret(home.directory, "key", "hc_");
  keys.add(DEFAULT_TENANT, generated);
  return { keys, generated };
}

/** Names under which a gateway on a loopback address may be called; others are DNS rebinding. */
function allowedHosts(config: Config): ReadonlySet<string> {
  const extra = config.allowed_hosts.map((host) => host.toLowerCase());
  if (!isLoopback(config.host)) return new Set(extra);
  return new Set(["127.0.0.1", "localhost", "[::1]", ...extra]);
}

function urlOf(host: string, port: number): string {
  const name =
    host === "0.0.0.0"
      ? "127.0.0.1"
      : host === "::"
        ? "[::1]"
        : host.includes(":")
          ? `[${host}]`
          : host;
  return `http://${name}:${port}`;
}

async function listen(server: Server, { host, port }: Config): Promise<void> {
  try {
    await server.listen({ host, port });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what =
      code === "EADDRINUSE"
        ? "something else listens there: choose another port with HOTCELL_PORT or --port (0 picks a free one)"
        : code === "EACCES"
          ? "this user may not use that port: choose one over 1023 with HOTCELL_PORT or --port"
          : message;
    throw new Error(`The gateway cannot listen on ${host}:${port}: ${what}`, { cause: error });
  }
}

/**
 * Puts the parts together and starts listening. When it rejects, nothing is left running.
 * @throws Error and RuntimeError whose messages tell the operator what to do
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, signal, onProgress } = options;
  const log = options.log ?? gatewayLogger(config);
  const closers: (() => Promise<unknown> | undefined)[] = [];
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= closeAll(closers));
  try {
    const home = await claimHome(config.home);
    closers.push(() => home.release());
    const { keys, generated } = await openKeys(config, home);
    onProgress({ step: "looking for a container engine" });
    const choice = await chooseRuntime(config, signal);
    const runtime = await openRuntime(choice.name, config, home);
    closers.push(() => runtime.close());

    const linksDirectory = join(home.directory, "links");
    await openLinksDirectory(linksDirectory);
    const records = new SessionRecordFiles(join(home.directory, "sessions"));
    const kept = await readRecords(records, log);
    const ended = new EndedSessions(join(home.directory, "ended"));
    await ended.load();
    const runsDirectory = join(home.directory, "runs");
    const images = new Map<string, SessionImage>();
    const sessions = new SessionRegistry({
      runtime,
      images,
      defaultImage: config.default_image,
      records,
      ended,
      runsDirectory,
      linksDirectory,
      maxSessions: config.max_sessions,
      defaults: config.session,
      log,
      ...(options.onSessions === undefined ? {} : { onCount: options.onSessions }),
    });
    const takesUp = options.forgetSessions !== true;
    let server: Server | undefined = undefined;
    closers.push(() => server?.close());
    closers.push(() => server && closeSockets(server));
    closers.push(() => sessions.close({ keep: !config.end_sessions }));
    // Sandboxes of an earlier gateway find this one while the rest is made, which takes as long as they need.
    const adoption = { runtime, sessions, takesUp, linksDirectory, runsDirectory, log };
    const adopted = adoptSessions(kept, adoption);
    // Whoever awaits it below hears of a failure; one of something else may come first.
    adopted.catch(() => undefined);

    const probe = (image?: SandboxImage): Promise<RuntimeReport> =>
      runtime
        .probe({ signal, ...(image === undefined ? {} : { image }) })
        .catch((error: unknown) => {
          throw refusalOfBoth(error, choice.why);
        });
    let report = await probe();
    const prepared = await prepareImage(config.default_image, {
      runtime: choice.name,
      imagesDirectory: config.images_directory,
      signal,
      onProgress,
    });
    const image = sandboxImage(prepared.reference);
    images.set(config.default_image, { image, languages: prepared.languages.slice(0, 1) });
    const proof = linkProofRecord(home.directory, report, prepared.reference);
    // Sessions that wait to be taken up should not wait for a proof that was given.
    const trusted = options.trustEarlierProof === true || kept.length > 0;
    if (!trusted || !(await proof.holds())) {
      // What has no session is removed by then: the sandbox that tries the runtime has none either.
      await adopted;
      onProgress({ step: "trying the runtime", detail: "a sandbox dials the gateway" });
      report = await probe(image);
      await proof.keep();
    }

    server = await buildServer(
      {
        sessions,
        notebookSessions: new NotebookSessions(notebookSessionFile(home.directory)),
        keys,
        cookieSecret: await keptSecret(home.directory, "cookie-secret"),
        readiness: () => ({
          status: sessions.closed ? "not_ready" : "ready",
          runtime: { name: runtime.name, ready: true, detail: report.version },
          sessions: { live: sessions.live, limit: sessions.limit },
        }),
        images: [
          {
            name: config.default_image,
            description: prepared.description,
            languages: prepared.languages,
            default: true,
            built: true,
          },
        ],
        log,
        version,
      },
      {
        bodyLimitBytes: config.body_limit_bytes,
        hosts: allowedHosts(config),
        playground: await listSite(PLAYGROUND),
        ...(options.pages === undefined ? {} : { pages: options.pages }),
      },
    );
    await adopted;
    signal.throwIfAborted();
    await listen(server, config);
    const { port } = server.server.address() as AddressInfo;
    const url = urlOf(config.host, port);
    home.announce({ url, keys: generated === undefined ? "configured" : "generated" });
    log.info(
      { host: config.host, port, runtime: runtime.name, image: prepared.reference },
      "listening",
    );
    return {
      url,
      generatedKey: generated,
      runtime: report,
      server,
      sessions: () => sessions.live,
      close,
    };
  } catch (error) {
    await close();
    throw error instanceof HotcellError ? new Error(error.detail, { cause: error }) : error;
  }
}

/** Closes what was opened last first: sessions before the server that streams them, the home at the end. */
async function closeAll(closers: (() => Promise<unknown> | undefined)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers.toReversed()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, "the gateway did not close cleanly");
}
