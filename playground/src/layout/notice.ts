import { effect, signal } from "@preact/signals";

/** Something that just happened, with what can be done about it. What is no trouble goes by itself after a while. */
export interface Notice {
  tone: "info" | "warning" | "error";
  words: string;
  action?: { label: string; act: () => void };
}

export const notice = signal<Notice | undefined>(undefined);

const INFO_STAYS_MS = 12_000;

effect(() => {
  if (notice.value?.tone !== "info") return undefined;
  const timer = setTimeout(() => (notice.value = undefined), INFO_STAYS_MS);
  return () => clearTimeout(timer);
});

/** Shows something that went wrong, by its message. */
export function noticeError(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  notice.value = { tone: "error", words: error instanceof Error ? error.message : String(error) };
}
