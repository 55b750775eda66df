import { sizeWords } from "../sessions/size-words.js";
import { FileActions } from "./file-actions.jsx";
import { FileIcon } from "./file-icon.jsx";
import { baseName } from "./file-path.js";
import { fileTimeWords } from "./file-time.js";
import type { PageFiles } from "./session-files.js";
import type { TreeRow } from "./tree-row.js";

interface FileRowProps {
  row: TreeRow;
  files: PageFiles;
  isCurrent: boolean;
  onDelete: () => void;
}

/** What a row of the tree shows. */
export function FileRow({ row, files, isCurrent, onDelete }: FileRowProps) {
  if (row.kind === "note") return <span class="file-note">{row.words}</span>;
  if (row.kind === "more")
    return <span class="file-more">Show more: {row.count.toLocaleString("en")} left</span>;
  const { entry } = row;
  const name = baseName(entry.path);
  const isDirectory = entry.kind === "directory";
  return (
    <>
      <span
        class={row.isOpen ? "file-mark file-mark-open" : "file-mark"}
        data-shown={isDirectory}
        aria-hidden="true"
      />
      <FileIcon kind={entry.kind} />
      <span class="file-name" title={name}>
        {name}
      </span>
      <span class="file-facts">
        {!isDirectory && <span class="file-size">{sizeWords(entry.size)}</span>}
        <time
          class="file-time"
          dateTime={entry.modified_at}
          title={new Date(entry.modified_at).toLocaleString()}
        >
          {fileTimeWords(entry.modified_at, new Date())}
        </time>
      </span>
      <FileActions entry={entry} files={files} isReached={isCurrent} onDelete={onDelete} />
    </>
  );
}
