import { isWebUrl } from "./frame-message.js";
import { tell } from "./tell.js";

/** Reports the height of the content whenever it changes. */
export function reportHeight(container: HTMLElement): void {
  let reported = -1;
  new ResizeObserver(() => {
    const { scrollHeight } = container;
    if (scrollHeight === reported) return;
    reported = scrollHeight;
    tell({ type: "height", height: scrollHeight });
  }).observe(container);
}

/** Links that lead out are reported, not followed; within the output they work. */
export function reportLinks(): void {
  document.addEventListener(
    "click",
    (event) => {
      const link = event
        .composedPath()
        .find((node) => node instanceof HTMLAnchorElement || node instanceof SVGAElement);
      if (link === undefined) return;
      const attribute = link.getAttribute("href") ?? link.getAttribute("xlink:href");
      if (attribute === null || attribute.startsWith("#")) return;
      event.preventDefault();
      if (event.isTrusted && isWebUrl(attribute)) tell({ type: "link", href: attribute });
    },
    true,
  );
}

/** Reports the hosts that the content security policy kept the output from. */
export function reportBlocked(): void {
  document.addEventListener("securitypolicyviolation", ({ blockedURI }) => {
    if (isWebUrl(blockedURI)) tell({ type: "blocked", host: new URL(blockedURI).host });
  });
}
