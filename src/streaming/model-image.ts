/** Media types of pictures that models take, the best first. */
const IMAGE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"] as const;

/** How many pictures a model is given of one execution, and how many bytes they may have. */
export const MODEL_IMAGE_LIMITS = {
  count: 10,
  /** Of one picture, decoded: what the vendors' interfaces take as base64. */
  bytes: 3_750_000,
  /** Of all pictures, decoded. */
  total_bytes: 8_000_000,
} as const;

export type ModelImageLimits = Record<keyof typeof MODEL_IMAGE_LIMITS, number>;

export interface ModelImage {
  /** How `text` names it: `image 1`. */
  name: string;
  media_type: string;
  /** Base64. */
  data: string;
}

/** A size as people read it. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 999_500) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function decodedLength(base64: string): number {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return Math.floor((base64.length * 3) / 4) - padding;
}

/** The pictures of one execution that a model is given. */
export class ModelImages {
  readonly taken: ModelImage[] = [];
  #bytes = 0;

  constructor(private readonly limits: ModelImageLimits) {}

  /**
   * The words for the bundle's picture, which is taken where it fits: `image 1: image/png`. `undefined` where the bundle
   * has none.
   */
  take(data: Record<string, unknown>): string | undefined {
    const type = IMAGE_TYPES.find((candidate) => typeof data[candidate] === "string");
    if (type === undefined) return undefined;
    const base64 = String(data[type]).replace(/\s/g, "");
    const bytes = decodedLength(base64);
    const refusal = this.#refusal(bytes);
    if (refusal !== undefined) return `${type}, ${sizeText(bytes)}, not shown: ${refusal}`;
    const name = `image ${this.taken.length + 1}`;
    this.taken.push({ name, media_type: type, data: base64 });
    this.#bytes += bytes;
    return `${name}: ${type}`;
  }

  #refusal(bytes: number): string | undefined {
    const { count, bytes: most, total_bytes } = this.limits;
    if (this.taken.length >= count) return `there are ${count} images already`;
    if (bytes > most) return `one image may have ${sizeText(most)}`;
    if (this.#bytes + bytes > total_bytes) return `all images may have ${sizeText(total_bytes)}`;
    return undefined;
  }
}
