import Plotly, { type PlotlyFigure } from "plotly.js-basic-dist-min";
import type { FrameTheme } from "./frame-message.js";
import type { Renderer } from "./renderer.js";

const DEFAULT_HEIGHT = 420;

const LIGHT_COLORS = ["#d9480f", "#2a62a8", "#2b7a3e", "#9c2bb0", "#b07a00", "#14808c"];
const DARK_COLORS = ["#ff9b66", "#86b7f2", "#6fc383", "#d99be6", "#e6b450", "#6cc6cf"];

function isFigure(value: unknown): value is PlotlyFigure {
  return typeof value === "object" && value !== null && Array.isArray((value as PlotlyFigure).data);
}

/** Kinds of traces that this bundle cannot draw; it would draw points in their place. */
function unknownTraces({ data = [] }: PlotlyFigure): readonly string[] {
  const known = Plotly.PlotSchema.get().traces;
  const types = data.map((trace) => (trace as { type?: unknown } | null)?.type ?? "scatter");
  return [...new Set(types.map(String))].filter((type) => !(type in known));
}

/** The figure in the page's colours, where it does not say its own. */
function themed(figure: PlotlyFigure, { scheme, properties }: FrameTheme): PlotlyFigure {
  const { layout = {}, config = {} } = figure;
  const line = properties["--line"];
  const dark = scheme === "dark";
  const axis = { gridcolor: line, linecolor: line, zerolinecolor: line, automargin: true };
  const own = layout["template"] as { layout?: Record<string, unknown> } | undefined;
  const template = {
    ...own,
    layout: {
      ...own?.layout,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: properties["--text"], family: properties["--font"], size: 12 },
      xaxis: { ...(own?.layout?.["xaxis"] as object | undefined), ...axis },
      yaxis: { ...(own?.layout?.["yaxis"] as object | undefined), ...axis },
      hoverlabel: { font: { family: properties["--font"] } },
      margin: { l: 56, r: 16, t: layout["title"] === undefined ? 24 : 64, b: 48 },
      colorway: dark ? DARK_COLORS : (own?.layout?.["colorway"] ?? LIGHT_COLORS),
    },
  };
  return {
    ...figure,
    // Plotly writes into what it is given; the value is needed again for another theme.
    data: structuredClone(figure.data ?? []),
    layout: { height: DEFAULT_HEIGHT, ...structuredClone(layout), template, autosize: true },
    config: {
      ...config,
      responsive: true,
      displaylogo: false,
      // Both need what the frame may not do: downloads, and Plotly's server.
      modeBarButtonsToRemove: ["toImage", "sendDataToCloud"],
      showLink: false,
      showSendToCloud: false,
      showEditInChartStudio: false,
      plotlyServerURL: "",
    },
  };
}

function figureOf(value: unknown): PlotlyFigure {
  const figure: unknown = typeof value === "string" ? JSON.parse(value) : value;
  if (!isFigure(figure)) throw new Error("This is not a Plotly figure");
  const unknown = unknownTraces(figure);
  if (unknown.length > 0) {
    throw new Error(`The playground's Plotly has no traces of type ${unknown.join(", ")}`);
  }
  return figure;
}

/** A Plotly figure: `application/vnd.plotly.v1+json`. */
export const renderPlotly: Renderer = async (container, value, theme) => {
  let figure = figureOf(value);
  const element = document.createElement("div");
  container.append(element);
  await Plotly.newPlot(element, themed(figure, theme));
  const draw = async (look: FrameTheme) => {
    await Plotly.react(element, themed(figure, look));
  };
  return {
    update: (next, look) => {
      figure = figureOf(next);
      return draw(look);
    },
    themeChanged: draw,
  };
};
