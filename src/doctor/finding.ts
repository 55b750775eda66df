/**
 * `enforced`: it holds. `partial`: it holds in part, or at a price. `missing`: it does not hold here. `unknown`: it
 * could not be found out, or was not tried.
 */
export type FindingStatus = "enforced" | "partial" | "missing" | "unknown";

/** One thing that was looked at, in words for people who know neither kernels nor container engines. */
export interface Finding {
  /** What programs may rely on: never renamed. Protections have the names that sessions give them. */
  name: string;
  /** The same for people, in a few words. */
  title: string;
  status: FindingStatus;
  /** What is so, and what that means. One or more sentences. */
  what: string;
  /** What to do about it; null for what is enforced. One or more sentences. */
  remedy: string | null;
  /** Commands that belong to the remedy, each to be typed as it is. */
  commands: string[];
  /** No sandbox of this runtime works until it is remedied. */
  blocks: boolean;
}

export type FindingNames = Pick<Finding, "name" | "title">;

/** It holds. */
export const enforced = (names: FindingNames, what: string): Finding => ({
  name: names.name,
  title: names.title,
  status: "enforced",
  what,
  remedy: null,
  commands: [],
  blocks: false,
});

interface Lack {
  status?: Exclude<FindingStatus, "enforced">;
  what: string;
  remedy: string;
  commands?: string[];
  blocks?: boolean;
}

/** Something to do about. */
export const lacking = (names: FindingNames, lack: Lack): Finding => ({
  name: names.name,
  title: names.title,
  status: lack.status ?? "missing",
  what: lack.what,
  remedy: lack.remedy,
  commands: lack.commands ?? [],
  blocks: lack.blocks ?? false,
});

/** A sentence: the first letter large, a full stop at the end. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  const begun = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?:]$/.test(begun) ? begun : `${begun}.`;
}
