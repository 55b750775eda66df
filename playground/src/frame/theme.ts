import type { FrameTheme } from "./frame-message.js";

/** Makes the frame look like the page; says whether it looked otherwise. The same colour scheme on both sides keeps the frame transparent. */
export function showTheme({ scheme, properties }: FrameTheme): boolean {
  const root = document.documentElement;
  const changed = root.dataset["theme"] !== scheme;
  root.dataset["theme"] = scheme;
  root.style.colorScheme = scheme;
  for (const [name, value] of Object.entries(properties)) root.style.setProperty(name, value);
  return changed;
}
