import type { SessionOptions } from "../sessions/session-options.js";
import type { RunArguments } from "./arguments.js";
import { type GatewayClient, GatewayError, type RunSession } from "./gateway-client.js";

/** A session for one call is not kept after a crash of the caller for longer than this, in seconds. */
const ONE_CALL_IDLE_S = 60;

export type SessionWish = Pick<RunArguments, "session" | "image" | "runtime" | "isolation">;

const RUNTIMES = ["docker", "local", "kubernetes"] as const;

function optionsOf(wish: SessionWish): SessionOptions {
  const runtime = RUNTIMES.find((name) => name === wish.runtime);
  return {
    ...(wish.image === undefined ? {} : { image: wish.image }),
    ...(runtime === undefined ? {} : { runtime }),
    ...(wish.isolation === undefined ? {} : { isolation: wish.isolation }),
    ...(wish.session === undefined ? { lifetime: { idle_s: ONE_CALL_IDLE_S } } : {}),
  };
}

/** A session that is there was made with what its first call asked for; a later call must not believe otherwise. */
function refuseOtherwise(session: RunSession, wish: SessionWish): void {
  const differs = (
    [
      ["image", wish.image, session.image],
      ["runtime", wish.runtime === "auto" ? undefined : wish.runtime, session.runtime],
      ["isolation", wish.isolation, session.isolation.tier],
    ] as const
  ).find(([, asked, is]) => asked !== undefined && asked !== is);
  if (differs === undefined) return;
  const [what, asked, is] = differs;
  throw new GatewayError(
    `The session ${session.id} was made with the ${what} ${is}, not ${String(asked)}: use another name, or leave --${what} out`,
  );
}

/** The session to run in: the named one as it is or made now, or a new one for this call. */
export async function openSession(
  client: GatewayClient,
  wish: SessionWish,
  signal: AbortSignal,
): Promise<RunSession> {
  if (wish.session === undefined) return client.makeSession(undefined, optionsOf(wish), signal);
  const known = await client.findSession(wish.session, signal);
  if (known === undefined) return client.makeSession(wish.session, optionsOf(wish), signal);
  refuseOtherwise(known, wish);
  return known;
}
