import { announce } from "./announcer.jsx";
import { Icon } from "./icon.jsx";
import { chooseTheme, THEME_CHOICES, type ThemeChoice, themeChoice } from "./theme.js";

const ICONS = { system: "system", light: "sun", dark: "moon" } as const;
const NAMES: Record<ThemeChoice, string> = {
  system: "as the system",
  light: "light",
  dark: "dark",
};

/** Goes round the themes: as the system, light, dark. */
export function ThemeButton() {
  const choice = themeChoice.value;
  const next =
    THEME_CHOICES[(THEME_CHOICES.indexOf(choice) + 1) % THEME_CHOICES.length] ?? "system";
  const label = `Theme: ${NAMES[choice]}`;
  return (
    <button
      type="button"
      class="button button-quiet button-icon"
      aria-label={label}
      title={`${label}. Next: ${NAMES[next]}`}
      onClick={() => {
        chooseTheme(next);
        announce(`Theme: ${NAMES[next]}`);
      }}
    >
      <Icon name={ICONS[choice]} />
    </button>
  );
}
