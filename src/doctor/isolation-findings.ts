import type { Isolation, MissingProtection, ProtectionName } from "../runtimes/runtime.js";
import { enforced, lacking, sentence, type Finding } from "./finding.js";
import { PROTECTION_WORDS } from "./protection-words.js";

/** What to do about missing protections, where more can be said than the runtime says. */
export type Remedies = Partial<Record<ProtectionName, { remedy: string; commands: string[] }>>;

/** A finding for each protection that a runtime claims, and for each that it misses, in its order. */
export function isolationFindings(
  { protections, missing }: Isolation,
  remedies: Remedies = {},
): Finding[] {
  return [
    ...protections.map((name) => {
      const { title, enforced: what } = PROTECTION_WORDS[name];
      return enforced({ name, title }, what);
    }),
    ...missing.map((protection) => missingFinding(protection, remedies[protection.name])),
  ];
}

function missingFinding(
  { name, detail }: MissingProtection,
  better: Remedies[ProtectionName],
): Finding {
  const { title, missing: what } = PROTECTION_WORDS[name];
  return lacking({ name, title }, { what, ...(better ?? { remedy: sentence(detail) }) });
}
