import type { CallOptions } from "../sandboxes/call.js";
import type { KerneldClient } from "../sandboxes/kerneld-client.js";
import type { SandboxFeed } from "../sandboxes/sandbox-feed.js";
import { invalidRequest } from "../validation.js";

/** A sandbox's journal, as far as its numbers are concerned. */
export interface JournalAccess {
  feed: Pick<SandboxFeed, "lastNumber" | "ended">;
  kerneld: Pick<KerneldClient, "state">;
}

/**
 * Refuses a position that the sandbox's journal has not come to. Such a number is of another sandbox, or made up: who
 * waits behind it would be shown nothing of what happens until the journal has grown so far. The sandbox is asked only
 * where the feed is not there yet.
 * @throws HotcellError `invalid_request`; LinkError, KerneldError
 */
export async function assertReached(
  after: number,
  { feed, kerneld }: JournalAccess,
  options?: CallOptions,
): Promise<void> {
  if (after <= feed.lastNumber || feed.ended !== null) return;
  const last = (await kerneld.state(options)).last_n ?? 0;
  if (after <= Math.max(last, feed.lastNumber)) return;
  throw invalidRequest([
    { path: "after", message: `the session's last event has the number ${last}, not ${after}` },
  ]);
}
