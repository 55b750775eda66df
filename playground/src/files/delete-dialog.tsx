import { useState } from "preact/hooks";
import type { FileEntry } from "../../../src/client/index.js";
import { Dialog } from "../layout/dialog.jsx";
import { fileErrorWords } from "./file-error.js";
import { baseName } from "./file-path.js";
import type { PageFiles } from "./session-files.js";

interface DeleteDialogProps {
  entry: FileEntry;
  files: PageFiles;
  onClose: () => void;
  onDeleted: () => void;
}

/** Asks before a file is deleted: it cannot be brought back. */
export function DeleteDialog({ entry, files, onClose, onDeleted }: DeleteDialogProps) {
  const [failure, setFailure] = useState<string | undefined>();
  const [isDeleting, setDeleting] = useState(false);
  const name = baseName(entry.path);
  const remove = async () => {
    setDeleting(true);
    try {
      await files.remove(entry);
      onDeleted();
    } catch (error) {
      setFailure(`${name} could not be deleted: ${fileErrorWords(error)}.`);
      setDeleting(false);
    }
  };
  return (
    <Dialog title={`Delete ${name}?`} onClose={onClose}>
      <p>
        {entry.kind === "directory"
          ? "The folder and everything in it is gone for good."
          : "The file is gone for good."}
      </p>
      {failure !== undefined && (
        <p class="form-error" role="alert">
          {failure}
        </p>
      )}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class="button button-primary"
          data-autofocus
          disabled={isDeleting}
          onClick={() => void remove()}
        >
          Delete
        </button>
      </div>
    </Dialog>
  );
}
