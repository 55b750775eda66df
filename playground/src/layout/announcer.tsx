import { signal } from "@preact/signals";

const polite = signal("");

/** Says something to those who do not see the page; the same words again are said again. */
export function announce(words: string): void {
  polite.value = polite.value === words ? `${words}\u00a0` : words;
}

/** The live region that speaks what is announced. */
export function Announcer() {
  return (
    <div class="visually-hidden" role="status" aria-live="polite">
      {polite}
    </div>
  );
}
