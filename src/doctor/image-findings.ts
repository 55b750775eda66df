import { enforced, lacking, sentence, type Finding } from "./finding.js";
import type { ImageFacts } from "./image-facts.js";
import type { LinkTrial } from "./trial.js";

const IMAGE = { name: "image", title: "Image" };
const LINK = { name: "link", title: "Link" };

/** What an image takes on the disk while it is built and unpacked, at most. */
const BUILD_BYTES = 4 * 1024 ** 3;

interface ImageContext {
  runtime: "docker" | "local";
  /** How this program is called here. */
  self: string;
}

/** Whether the image is there, and what would keep it from being built. */
export function imageFinding(image: ImageFacts, { runtime, self }: ImageContext): Finding {
  if (image.isThere) {
    return enforced(IMAGE, `The image ${image.name} is there.`);
  }
  const build = `${self} images build ${image.name} --runtime ${runtime}`;
  const what = `The image ${image.name}, from which sandboxes are made, is not there yet.`;
  if (image.buildLacks !== null) {
    const [reason, command] = split(image.buildLacks, "run: ");
    return lacking(IMAGE, {
      what: `${what} ${sentence(reason)} So no sandbox can be made yet.`,
      remedy: "Provide what is missing, and build the image.",
      commands: [...(command === undefined ? [] : [command]), build],
      blocks: true,
    });
  }
  const full = image.freeBytes !== null && image.freeBytes < BUILD_BYTES;
  return lacking(IMAGE, {
    what:
      `${what} The first start builds it, in a few minutes.` +
      (full
        ? ` That takes up to 4 GB of disk, and ${gigabytes(image.freeBytes ?? 0)} GB are free for it.`
        : ""),
    remedy: full
      ? "Free some disk, or name a roomier directory as HOTCELL_IMAGES; then build it."
      : "Nothing: it is built by itself. Or build it now:",
    commands: [build],
  });
}

/** Whether sandboxes can reach the gateway. */
export function linkFinding(link: LinkTrial, image: ImageFacts, context: ImageContext): Finding {
  switch (link.outcome) {
    case "proven":
      return enforced(LINK, "A sandbox was tried, and reached this program.");
    case "failed":
      return lacking(LINK, {
        what: sentence(link.reason),
        remedy:
          context.runtime === "docker"
            ? "Run Hotcell on the machine that runs the containers, or without Docker (HOTCELL_RUNTIME=local)."
            : "Remedy what is said there, or use a Docker engine (HOTCELL_RUNTIME=docker).",
        blocks: true,
      });
    case "untried":
      return lacking(LINK, {
        status: "unknown",
        what: "Whether a sandbox can reach the gateway was not tried: that takes the image.",
        remedy: "Build the image, then ask again:",
        commands: [
          `${context.self} images build ${image.name} --runtime ${context.runtime}`,
          `${context.self} doctor`,
        ],
      });
  }
}

function split(text: string, mark: string): [string, string | undefined] {
  const at = text.lastIndexOf(mark);
  if (at < 0) return [text, undefined];
  return [
    text.slice(0, at).replace(/[;,]?\s*(?:on Debian and Ubuntu)?\s*$/, ""),
    text.slice(at + mark.length),
  ];
}

const gigabytes = (bytes: number): string => (bytes / 1024 ** 3).toFixed(1);
