import { signal } from "@preact/signals";

/** Something that just happened, with what can be done about it; it stays until it is dismissed or another comes. */
export interface Notice {
  tone: "info" | "warning" | "error";
  words: string;
  action?: { label: string; act: () => void };
}

export const notice = signal<Notice | undefined>(undefined);

/** Shows something that went wrong, by its message. */
export function noticeError(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  notice.value = { tone: "error", words: error instanceof Error ? error.message : String(error) };
}
