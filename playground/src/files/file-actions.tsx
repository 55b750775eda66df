import type { FileEntry } from "../../../src/client/index.js";
import { Icon } from "../layout/icon.jsx";
import { copyPath } from "./copy-path.js";
import { baseName } from "./file-path.js";
import type { PageFiles } from "./session-files.js";

interface FileActionsProps {
  entry: FileEntry;
  files: PageFiles;
  /** Whether the Tab key reaches them. */
  isReached: boolean;
  onDelete: () => void;
}

/** What can be done with an entry beside looking at it, as small buttons in its row. */
export function FileActions({ entry, files, isReached, onDelete }: FileActionsProps) {
  const name = baseName(entry.path);
  const common = {
    type: "button",
    class: "button button-quiet button-icon file-action",
    tabIndex: isReached ? 0 : -1,
  } as const;
  return (
    <span class="file-actions" onClick={(event) => event.stopPropagation()}>
      {entry.kind === "file" && (
        <button
          {...common}
          aria-label={`Download ${name}`}
          title="Download"
          onClick={() => void files.download(entry)}
        >
          <Icon name="download" />
        </button>
      )}
      <button
        {...common}
        aria-label={`Copy the path of ${name}`}
        title="Copy path"
        onClick={() => void copyPath(entry.path)}
      >
        <Icon name="copy" />
      </button>
      <button {...common} aria-label={`Delete ${name}`} title="Delete" onClick={onDelete}>
        <Icon name="trash" />
      </button>
    </span>
  );
}
