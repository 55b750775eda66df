import { type ByteStream, requestBytes } from "./byte-stream.js";
import type { CallOptions } from "./call.js";
import type { SandboxLink } from "./link.js";
import { artifactId } from "./untrusted.js";

/** MIME values that were too large for their record. */
export interface ArtifactsClient {
  /** Reads an artifact at the consumer's pace. */
  read(artifact: string, options?: CallOptions): Promise<ByteStream>;
}

export function createArtifactsClient(link: SandboxLink): ArtifactsClient {
  return {
    read: async (artifact, options = {}) => {
      const path = `/artifacts/${artifactId.parse(artifact)}`;
      return (await requestBytes(link, path, options.signal)).stream;
    },
  };
}
