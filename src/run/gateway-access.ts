import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Config, ConfigError, loadConfig } from "../config.js";
import { type Announcement, runningGateway } from "../gateway/announcement.js";
import { HomeTakenError } from "../home.js";
import type { OnImageProgress } from "../images/image-progress.js";
import type { RunArguments } from "./arguments.js";
import { startBackgroundGateway } from "./background-gateway.js";

/** A gateway to run code with. */
export interface GatewayAccess {
  url: string;
  key: string;
  /** Whether it is this process, and its sessions end with it. */
  own: boolean;
  /** Ends what was started for this call alone. Idempotent. */
  close(): Promise<void>;
}

export interface GatewayAccessOptions {
  program: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  onProgress: OnImageProgress;
  say(message: string): Promise<void>;
}

/** How many calls may each be a gateway of their own at once, with one home. */
const MOST_OWN_GATEWAYS = 256;

type Where = Pick<
  RunArguments,
  "gateway" | "key" | "session" | "runtime" | "home" | "config" | "verbose"
>;

async function keyOf(
  announced: Announcement,
  config: Config,
  told: string | undefined,
): Promise<string> {
  if (told !== undefined) return told;
  if (announced.keys === "generated") {
    return (await readFile(join(config.home, "key"), "utf8")).trim();
  }
  if (config.api_key !== undefined) return config.api_key;
  throw new ConfigError(
    `The gateway that runs with the home ${config.home} has configured keys: give one with --key or HOTCELL_API_KEY`,
  );
}

/**
 * A gateway in this process: for this call alone, on a free port of the loopback address, with a key that nobody else
 * has. It takes a home of its own below the home, so that calls at the same time, and a gateway that is started
 * meanwhile, are none of each other's business; what a killed call left there is removed by the next that takes it.
 */
async function startOwnGateway(
  config: Config,
  options: GatewayAccessOptions & { verbose: boolean },
): Promise<GatewayAccess> {
  // A call that uses another gateway is over before this is loaded.
  const { gatewayLogger, startGateway } = await import("../gateway.js");
  const key = randomBytes(32).toString("base64url");
  for (let number = 1; number <= MOST_OWN_GATEWAYS; number += 1) {
    const own: Config = {
      ...config,
      home: join(config.home, "run", String(number)),
      host: "127.0.0.1",
      port: 0,
      api_key: key,
      keys: [],
      allowed_hosts: [],
      log_level: options.verbose ? "info" : "silent",
      end_sessions: true,
    };
    try {
      const gateway = await startGateway({
        config: own,
        signal: options.signal,
        onProgress: options.onProgress,
        log: gatewayLogger(own),
        pages: false,
        trustEarlierProof: true,
        forgetSessions: true,
      });
      return { url: gateway.url, key, own: true, close: () => gateway.close() };
    } catch (error) {
      if (!(error instanceof HomeTakenError)) throw error;
    }
  }
  throw new Error(`${MOST_OWN_GATEWAYS} calls run at once with the home ${config.home}`);
}

/**
 * The gateway to use: the one that was told, else the one that runs with the home, else one in this process, or, for a
 * session that is to stay, one in the background.
 * @throws ConfigError, RuntimeError, GatewayStartError and Error with messages for people; the signal's reason
 */
export async function openGateway(
  where: Where,
  options: GatewayAccessOptions,
): Promise<GatewayAccess> {
  const { env, signal } = options;
  const none = async (): Promise<void> => undefined;
  if (where.gateway !== undefined) {
    const key = where.key ?? env["HOTCELL_API_KEY"];
    if (key === undefined || key === "") {
      throw new ConfigError("hotcell run: --gateway needs a key: --key or HOTCELL_API_KEY");
    }
    return { url: where.gateway, key, own: false, close: none };
  }
  const config = loadConfig({
    env,
    flags: { host: "127.0.0.1", home: where.home, runtime: where.runtime },
    ...(where.config === undefined ? {} : { file: where.config }),
  });
  const running = await runningGateway(config.home, { signal });
  if (running !== undefined) {
    return {
      url: running.url,
      key: await keyOf(running, config, where.key),
      own: false,
      close: none,
    };
  }
  if (where.session === undefined) {
    return startOwnGateway(config, { ...options, verbose: where.verbose });
  }
  const { gateway, pid } = await startBackgroundGateway({
    program: options.program,
    config,
    file: where.config,
    env,
    signal,
    onProgress: options.onProgress,
  });
  if (pid !== undefined) {
    const minutes = Math.max(1, Math.round(config.session.idle_s / 60));
    await options.say(
      `Started a gateway in the background that keeps the session (process ${pid}). A session ends after ${minutes} minutes unused, the gateway after its last one; kill ${pid} ends it at once.`,
    );
  }
  return {
    url: gateway.url,
    key: await keyOf(gateway, config, where.key),
    own: false,
    close: none,
  };
}
