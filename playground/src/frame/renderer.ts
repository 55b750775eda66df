import type { FrameTheme } from "./frame-message.js";

/** A value that is shown. */
export interface Shown {
  /** Shows another value of the same type in its place. */
  update: (value: unknown, theme: FrameTheme) => Promise<void>;
  /** Redraws what has colours of its own. */
  themeChanged?: (theme: FrameTheme) => Promise<void>;
}

/** Shows a value of a media type within an element; rejects with what is wrong with the value. */
export type Renderer = (
  container: HTMLElement,
  value: unknown,
  theme: FrameTheme,
) => Promise<Shown | undefined>;

/** The renderer of a media type, loaded when it is first needed. */
export async function rendererOf(mime: string): Promise<Renderer> {
  if (mime === "text/html") return (await import("./html.js")).renderHtml;
  if (/^(application|text)\/javascript$/.test(mime)) {
    return (await import("./javascript.js")).renderJavaScript;
  }
  if (mime.startsWith("application/vnd.plotly.")) return (await import("./plotly.js")).renderPlotly;
  if (mime.startsWith("application/vnd.vega")) return (await import("./vega.js")).renderVega;
  throw new Error(`There is no renderer for ${mime}`);
}
