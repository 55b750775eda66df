import embed, { type VisualizationSpec } from "vega-embed";
import type { FrameTheme } from "./frame-message.js";
import type { Renderer } from "./renderer.js";

function isSpecification(value: unknown): value is VisualizationSpec {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function configOf({ scheme, properties }: FrameTheme) {
  const text = properties["--text"] ?? "";
  const muted = properties["--text-muted"] ?? "";
  const line = properties["--line"] ?? "";
  const font = properties["--font"] ?? "";
  return {
    background: "transparent",
    font,
    title: { color: text, subtitleColor: muted },
    style: { "guide-label": { fill: muted, font }, "guide-title": { fill: text, font } },
    axis: { domainColor: line, gridColor: line, tickColor: line },
    view: { stroke: line },
    ...(scheme === "dark" && { range: { category: { scheme: "set2" as const } } }),
  };
}

function specificationOf(value: unknown): VisualizationSpec {
  const specification: unknown = typeof value === "string" ? JSON.parse(value) : value;
  if (!isSpecification(specification)) throw new Error("This is not a Vega specification");
  return specification;
}

/** A Vega or Vega-Lite specification; its `$schema` says which of them. */
export const renderVega: Renderer = async (container, value, theme) => {
  let specification = specificationOf(value);
  const element = document.createElement("div");
  element.className = "vega-output";
  container.append(element);
  const embedIn = (look: FrameTheme) =>
    embed(element, structuredClone(specification), {
      // Export and the editor would open windows, which the frame may not.
      actions: false,
      renderer: "svg",
      config: configOf(look),
      tooltip: { theme: look.scheme },
    });
  let drawn = await embedIn(theme);
  const draw = async (look: FrameTheme) => {
    drawn.finalize();
    drawn = await embedIn(look);
  };
  return {
    update: (next, look) => {
      specification = specificationOf(next);
      return draw(look);
    },
    themeChanged: draw,
  };
};
