import { NotebookFormatError, readNotebook, writeNotebook } from "./ipynb.js";
import type { NotebookDocument } from "./notebook-document.js";

/** Notebooks larger than this are not opened: the page would not stay usable. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * A notebook that was dropped or chosen.
 * @throws NotebookFormatError, in words for people
 */
export async function openNotebookFile(file: File): Promise<NotebookDocument> {
  if (file.size > MAX_BYTES)
    throw new NotebookFormatError(`${file.name} is larger than 64 MB, which is too much here.`);
  try {
    return readNotebook(await file.text());
  } catch (error) {
    if (error instanceof NotebookFormatError)
      throw new NotebookFormatError(`${file.name} cannot be opened. ${error.message}`);
    throw error;
  }
}

/** Gives the notebook to the browser to be saved as a file. */
export function downloadNotebook(document: NotebookDocument, name: string): void {
  const blob = new Blob([writeNotebook(document)], { type: "application/x-ipynb+json" });
  const link = window.document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser reads it once the click has been handled.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
