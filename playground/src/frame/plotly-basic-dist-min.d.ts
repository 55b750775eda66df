/** What this project uses of plotly.js; the bundle brings no types. */
declare module "plotly.js-basic-dist-min" {
  export interface PlotlyFigure {
    data?: unknown[];
    layout?: Record<string, unknown>;
    config?: Record<string, unknown>;
    frames?: unknown[];
  }
  const Plotly: {
    newPlot(element: HTMLElement, figure: PlotlyFigure): Promise<HTMLElement>;
    react(element: HTMLElement, figure: PlotlyFigure): Promise<HTMLElement>;
    Plots: { resize(element: HTMLElement): Promise<void>; transformTypes?: unknown };
    PlotSchema: { get(): { traces: Record<string, unknown> } };
  };
  export default Plotly;
}
