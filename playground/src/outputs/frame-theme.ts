import type { FrameTheme } from "../frame/frame-message.js";

/** What of the page's look a frame needs: colours and fonts. */
const PROPERTIES = [
  ...["--surface", "--surface-raised", "--surface-sunken", "--surface-code", "--surface-hover"],
  ...["--line", "--line-strong", "--text", "--text-muted", "--accent", "--accent-text"],
  ...["--error", "--info", "--ok", "--warning", "--code-name", "--code-keyword", "--ansi-cyan"],
  ...["--font", "--font-code", "--size-12", "--size-13", "--size-14", "--radius"],
];

/** The page's look as it is now. */
export function frameTheme(scheme: "light" | "dark"): FrameTheme {
  const style = getComputedStyle(document.documentElement);
  return {
    scheme,
    properties: Object.fromEntries(
      PROPERTIES.map((name) => [name, style.getPropertyValue(name).trim()]),
    ),
  };
}
