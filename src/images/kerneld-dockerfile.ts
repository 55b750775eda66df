import type { ImageDefinition } from "./image-definition.js";
import { COMPILE_KERNELD, KERNELD_ENTRYPOINT } from "./kerneld-layer.js";

/** The Dockerfile that adds kerneld to a base, and says how a container of the image starts. */
export function kerneldDockerfile(definition: ImageDefinition, base: string): string {
  const env = Object.entries(definition.env).map(([name, value]) => ` ${name}=${quoted(value)}`);
  return [
    `FROM ${base}`,
    "COPY opt /opt",
    `RUN ${JSON.stringify(COMPILE_KERNELD)}`,
    ...(env.length > 0 ? [`ENV${env.join("")}`] : []),
    "WORKDIR /workspace",
    `ENTRYPOINT ${JSON.stringify([KERNELD_ENTRYPOINT])}`,
    "",
  ].join("\n");
}

/** A value in the words of a Dockerfile, where `$` would name a variable. */
function quoted(value: string): string {
  return `"${value.replace(/["\\$]/g, "\\$&")}"`;
}
