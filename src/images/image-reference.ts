import { digestParts } from "./file-tree-digest.js";
import type { ImageDefinition } from "./image-definition.js";
import { kerneldDockerfile } from "./kerneld-dockerfile.js";
import type { KerneldLayer } from "./kerneld-layer.js";
import { mmdebstrapArguments } from "./mmdebstrap.js";

/** Names the content of an image's root without kerneld, whatever keeps it. */
export function baseDigest({ digest, suite, packages }: ImageDefinition): string {
  return digestParts([digest, mmdebstrapArguments(suite, packages)]);
}

/** Names the content of an image with kerneld, and how it starts. */
export function imageDigest(definition: ImageDefinition, kerneld: KerneldLayer): string {
  const base = baseImageReference(definition);
  return digestParts([kerneldDockerfile(definition, base), kerneld.digest]);
}

/** Repository and tag of the image without kerneld. */
export function baseImageReference(definition: ImageDefinition): string {
  return `hotcell/${definition.name}-base:${baseDigest(definition)}`;
}

/** Repository and tag of the image with kerneld. */
export function imageReference(definition: ImageDefinition, kerneld: KerneldLayer): string {
  return `hotcell/${definition.name}:${imageDigest(definition, kerneld)}`;
}
