import { useMemo } from "preact/hooks";
import { NotebookFormatError, readNotebook } from "../notebook/ipynb.js";
import type { NotebookDocument } from "../notebook/notebook-document.js";

interface NotebookPreviewProps {
  text: string;
  onOpen: () => void;
}

function read(text: string): NotebookDocument | string {
  try {
    return readNotebook(text);
  } catch (error) {
    if (error instanceof NotebookFormatError) return error.message;
    throw error;
  }
}

/** A notebook among the session's files: its code, and that it can be opened. */
export function NotebookPreview({ text, onOpen }: NotebookPreviewProps) {
  const notebook = useMemo(() => read(text), [text]);
  if (typeof notebook === "string") return <p class="form-error">{notebook}</p>;
  const count = notebook.cells.length;
  return (
    <>
      <p class="notebook-offer">
        <span>
          A notebook with {count} {count === 1 ? "cell" : "cells"}.
        </span>
        <button type="button" class="button button-primary" onClick={onOpen}>
          Open in the notebook
        </button>
      </p>
      <pre class="file-text" tabIndex={0}>
        {notebook.cells.map(({ source }) => source).join("\n\n")}
      </pre>
    </>
  );
}
