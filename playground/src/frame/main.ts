import "./lockdown.js";
import { parsePageMessage, type PageMessage } from "./frame-message.js";
import { reportBlocked, reportHeight, reportLinks } from "./reports.js";
import { rendererOf, type Shown } from "./renderer.js";
import { showTheme } from "./theme.js";
import { tell } from "./tell.js";
import css from "./frame.css?inline";

const style = document.createElement("style");
style.textContent = css;
document.head.append(style);

const container = document.createElement("div");
container.id = "output";
document.body.append(container);

let shown: Shown | undefined;

async function show({ mime, value, theme }: PageMessage & { type: "render" }): Promise<void> {
  if (shown) {
    await shown.update(value, theme);
    return;
  }
  const renderer = await rendererOf(mime);
  shown = await renderer(container, value, theme);
}

// One after another: a chart that is still drawn is not drawn again beside itself.
let last = Promise.resolve();
function inTurn(act: () => Promise<void> | undefined): void {
  last = last.then(act).catch((error: unknown) =>
    tell({
      type: "failed",
      reason: (error instanceof Error ? error.message : String(error)).slice(0, 500),
    }),
  );
}

window.addEventListener("message", (event) => {
  // `location.origin` is the address's own, which the opaque origin of this document is not.
  if (event.source !== window.parent || event.origin !== location.origin) return;
  const message = parsePageMessage(event.data);
  if (message === undefined) return;
  const themeChanged = showTheme(message.theme);
  inTurn(() => {
    if (message.type === "render") return show(message);
    return themeChanged ? shown?.themeChanged?.(message.theme) : undefined;
  });
});

reportHeight(container);
reportLinks();
reportBlocked();
tell({ type: "ready" });
