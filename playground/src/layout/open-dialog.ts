import { signal } from "@preact/signals";

/** The dialogs of the page; one is open at a time. */
export type DialogName = "shortcuts" | "restart" | "new-session";

export const openDialog = signal<DialogName | undefined>(undefined);
