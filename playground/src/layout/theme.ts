import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { readStored, removeStored, writeStored } from "../sessions/stored-value.js";

export const THEME_CHOICES = ["system", "light", "dark"] as const;
export type ThemeChoice = (typeof THEME_CHOICES)[number];

const STORED = "hotcell.theme";
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(prefersDark.matches);
prefersDark.addEventListener("change", (event) => (systemIsDark.value = event.matches));

const stored = readStored("local", STORED);
const choice = signal<ThemeChoice>(stored === "light" || stored === "dark" ? stored : "system");

/** What was chosen; the system's own by default. */
export const themeChoice: ReadonlySignal<ThemeChoice> = choice;

/** The theme in force. */
export const theme: ReadonlySignal<"light" | "dark"> = computed(() =>
  choice.value === "system" ? (systemIsDark.value ? "dark" : "light") : choice.value,
);

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});

/** Chooses a theme, for this browser's later visits as well. */
export function chooseTheme(next: ThemeChoice): void {
  choice.value = next;
  if (next === "system") removeStored("local", STORED);
  else writeStored("local", STORED, next);
}
