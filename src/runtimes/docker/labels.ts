import type { UidPair } from "../runtime.js";

export const HOME_LABEL = "hotcell.home";
export const SANDBOX_LABEL = "hotcell.sandbox";
export const UIDS_LABEL = "hotcell.uids";

/** What the labels of a container or volume say; undefined when it is not a sandbox's. */
export interface SandboxLabels {
  homeId: string;
  sandboxId: string;
  uids: UidPair | undefined;
}

export function sandboxLabels(
  homeId: string,
  sandboxId: string,
  uids?: UidPair,
): Record<string, string> {
  return {
    [HOME_LABEL]: homeId,
    [SANDBOX_LABEL]: sandboxId,
    ...(uids && { [UIDS_LABEL]: `${uids.user},${uids.kerneld}` }),
  };
}

export function readSandboxLabels(
  labels: Readonly<Record<string, string>> | null | undefined,
): SandboxLabels | undefined {
  const homeId = labels?.[HOME_LABEL];
  const sandboxId = labels?.[SANDBOX_LABEL];
  if (!homeId || !sandboxId) return undefined;
  const uids = /^(\d{1,10}),(\d{1,10})$/.exec(labels[UIDS_LABEL] ?? "");
  return {
    homeId,
    sandboxId,
    uids: uids ? { user: Number(uids[1]), kerneld: Number(uids[2]) } : undefined,
  };
}

/**
 * The name of a sandbox's container and volume. It holds the home's id, so that no call about a sandbox can reach one
 * of another home.
 */
export const sandboxName = (homeId: string, sandboxId: string): string =>
  `hotcell-${homeId}-${sandboxId}`;
