import type { InvocationContext } from "@google/adk";
import { sessionIdOf } from "../session-id.js";

/** The gateway's session of an ADK session, whose id is unique for its application and user only. */
export async function sessionIdFor(
  { session }: Pick<InvocationContext, "session">,
  name?: string,
): Promise<string> {
  const { appName, userId, id } = session;
  return sessionIdOf("adk", [appName, userId, id, ...(name ? [name] : [])]);
}
