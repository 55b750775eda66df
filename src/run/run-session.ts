import { type Hotcell, HotcellError, type Session } from "../client/index.js";
import type { SessionOptions } from "../sessions/session-options.js";
import type { RunArguments } from "./arguments.js";

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
function refuseOtherwise({ id, view }: Session, wish: SessionWish): void {
  const differs = (
    [
      ["image", wish.image, view.image],
      ["runtime", wish.runtime === "auto" ? undefined : wish.runtime, view.runtime],
      ["isolation", wish.isolation, view.isolation.tier],
    ] as const
  ).find(([, asked, is]) => asked !== undefined && asked !== is);
  if (differs === undefined) return;
  const [what, asked, is] = differs;
  throw new HotcellError(
    "session_exists",
    `The session ${id} was made with the ${what} ${is}, not ${String(asked)}: use another name, or leave --${what} out`,
  );
}

async function findSession(
  client: Hotcell,
  id: string,
  signal: AbortSignal,
): Promise<Session | undefined> {
  try {
    return await client.attach(id, { signal });
  } catch (error) {
    const { code } = error as Partial<HotcellError>;
    if (code === "session_not_found" || code === "session_ended") return undefined;
    throw error;
  }
}

/** The session to run in: the named one as it is or made now, or a new one for this call. */
export async function openSession(
  client: Hotcell,
  wish: SessionWish,
  signal: AbortSignal,
): Promise<Session> {
  const options = { ...optionsOf(wish), signal };
  if (wish.session === undefined) return client.session(options);
  const known = await findSession(client, wish.session, signal);
  if (known === undefined) return client.session({ ...options, id: wish.session });
  refuseOtherwise(known, wish);
  return known;
}
