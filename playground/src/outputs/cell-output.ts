import type { Output } from "../../../src/kernels/output.js";

/**
 * An output of a cell as nbformat 4.5 defines it, with a key that stays the same as long as it is the same output: through
 * text that a stream adds and through updates of a display. An output that replaces another has a new key.
 *
 * Outputs are values: one that changed is another object. The text of a stream only grows under its key; text that does
 * not begin with what was shown before is drawn from its beginning.
 */
export type CellOutput = Output & { readonly key: number };

export type RichCellOutput = Extract<
  CellOutput,
  { output_type: "display_data" | "execute_result" }
>;

/**
 * Fetches a value that was too large for its event. `href` is as the gateway gave it in `metadata.hotcell.artifacts`;
 * the page checks its form before it asks.
 */
export type LoadArtifact = (href: string, signal: AbortSignal) => Promise<Blob>;
