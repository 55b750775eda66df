import type { Output, RichOutput } from "./output.js";

/** A MIME value that was too large for its event, as the output's metadata names it. */
export interface Artifact {
  mime: string;
  bytes: number;
  href: string;
}

/** One that could not be kept; the output's text says so. */
type LostValue = Omit<Artifact, "href"> & { dropped: true };

/** The output with its large values in place; of one that `read` has not, a note says so. */
export async function wholeOutput(
  output: Output,
  read: (artifact: Artifact) => Promise<unknown>,
): Promise<Output> {
  return "data" in output ? wholeBundle(output, read) : output;
}

async function wholeBundle(
  output: RichOutput,
  read: (artifact: Artifact) => Promise<unknown>,
): Promise<RichOutput> {
  const { hotcell, ...metadata } = output.metadata as {
    hotcell?: { artifacts: (Artifact | LostValue)[] };
  };
  if (hotcell === undefined) return output;
  const data = { ...output.data };
  for (const artifact of hotcell.artifacts) {
    const value = "href" in artifact ? await read(artifact) : undefined;
    if (value !== undefined) data[artifact.mime] = value;
    else data["text/plain"] ??= `[${artifact.mime} of ${artifact.bytes} bytes, left out here]`;
  }
  return { ...output, data, metadata };
}
