/** A representation that was too large for its event: the gateway keeps it until the session ends. */
export interface Artifact {
  readonly mime: string;
  readonly bytes: number;
  readonly href: string;
}

/** Notebooks from elsewhere carry metadata too: only a gateway's own paths are asked for. */
const HREF = /^\/v1\/sessions\/[\w-]+\/executions\/[\w-]+\/artifacts\/[\w-]+$/;

function isArtifact(value: unknown): value is Artifact {
  if (typeof value !== "object" || value === null) return false;
  const { mime, bytes, href } = value as Partial<Record<keyof Artifact, unknown>>;
  return (
    typeof mime === "string" &&
    typeof bytes === "number" &&
    typeof href === "string" &&
    HREF.test(href)
  );
}

/** The artifacts that an output's metadata names. */
export function artifactsOf(metadata: Readonly<Record<string, unknown>>): readonly Artifact[] {
  const { hotcell } = metadata;
  if (typeof hotcell !== "object" || hotcell === null || !("artifacts" in hotcell)) return [];
  return Array.isArray(hotcell.artifacts) ? hotcell.artifacts.filter(isArtifact) : [];
}
