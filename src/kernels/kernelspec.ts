/** A kernel specification as Jupyter clients get it; what they never use for a remote kernel is empty. */
export interface Kernelspec {
  name: string;
  spec: {
    argv: string[];
    env: Record<string, string>;
    display_name: string;
    language: string;
    interrupt_mode: "signal" | "message";
    metadata: Record<string, unknown>;
  };
  /** Names of files and where they are. */
  resources: Record<string, string>;
}

/** The file of a kernelspec's picture. */
export const LOGO_FILE = "logo-svg.svg";

/** Names that notebooks have for languages, where they differ. */
const NAMES: Record<string, string> = { python: "python3" };
const DISPLAY_NAMES: Record<string, string> = { python: "Python 3", javascript: "JavaScript" };

/** A language's kernelspec; `base` is the path of the API that serves its files. */
export function kernelspecOf(language: string, base: string): Kernelspec {
  const name = kernelspecName(language);
  return {
    name,
    spec: {
      argv: ["hotcell", "kernel", language],
      env: {},
      display_name: displayName(language),
      language,
      interrupt_mode: "message",
      metadata: {},
    },
    resources: { "logo-svg": `${base}/kernelspecs/${name}/${LOGO_FILE}` },
  };
}

/** The name under which clients ask for a language's kernel. */
export function kernelspecName(language: string): string {
  return Object.hasOwn(NAMES, language) ? (NAMES[language] ?? language) : language;
}

/** The language that is meant by a kernelspec's name, or by its own; `undefined` where it is none of `languages`. */
export function languageNamed(name: string, languages: readonly string[]): string | undefined {
  return languages.find((language) => language === name || kernelspecName(language) === name);
}

/** A picture with the language's initials. */
export function kernelspecLogo(language: string): string {
  const initials = displayName(language)
    .slice(0, 2)
    .replace(/[^A-Za-z0-9]/g, "");
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64">' +
    '<rect width="64" height="64" rx="14" fill="#c2410c"/>' +
    '<text x="32" y="42" fill="#fff" font-family="sans-serif" font-size="28" font-weight="700" ' +
    `text-anchor="middle">${initials}</text></svg>`
  );
}

function displayName(language: string): string {
  if (Object.hasOwn(DISPLAY_NAMES, language)) return DISPLAY_NAMES[language] ?? language;
  return language.charAt(0).toUpperCase() + language.slice(1);
}
