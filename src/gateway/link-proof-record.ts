import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "../atomic-file.js";
import type { RuntimeReport } from "../runtimes/runtime.js";

/** Remembers in a home that a sandbox has reached the gateway there. */
export interface LinkProofRecord {
  /** Whether one has, with the same version of the same runtime, of the same image. */
  holds(): Promise<boolean>;
  keep(): Promise<void>;
}

/** The record for this runtime, as it reports itself, and this image's reference. */
export function linkProofRecord(
  directory: string,
  { runtime, version, endpoint }: RuntimeReport,
  image: string,
): LinkProofRecord {
  const path = join(directory, "link-proof.json");
  const proof = JSON.stringify({ runtime, version, endpoint, image });
  return {
    // One that cannot be read is as good as none.
    holds: async () => (await readFile(path, "utf8").catch(() => "")) === proof,
    keep: () => writeAtomically(path, proof),
  };
}
