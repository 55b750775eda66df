import { useRef, useState } from "preact/hooks";
import type { FileEntry } from "../../../src/client/index.js";
import { baseName, parentPath } from "./file-path.js";
import { FileRow } from "./file-row.jsx";
import type { PageFiles } from "./session-files.js";
import type { TreeRow } from "./tree-row.js";

interface FileListProps {
  files: PageFiles;
  /** The directory that a drop would store in, which is marked. */
  dropDirectory: string | undefined;
  onPreview: (entry: FileEntry) => void;
  onDelete: (entry: FileEntry) => void;
}

/** The session's files as a tree; keys as the ARIA practices have them for tree views. */
export function FileList({ files, dropDirectory, onPreview, onDelete }: FileListProps) {
  const list = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState("");
  const { tree } = files;
  const rows = tree.rows.value;
  const at = Math.max(
    rows.findIndex(({ key }) => key === focused),
    0,
  );

  const focus = (index: number) => {
    const row = rows[index];
    if (!row) return;
    setFocused(row.key);
    list.current?.querySelectorAll<HTMLElement>("[role=treeitem]")[index]?.focus();
  };

  const act = (row: TreeRow) => {
    setFocused(row.key);
    if (row.kind === "more") tree.showMore(row.directory);
    if (row.kind !== "entry") return;
    const { path, kind } = row.entry;
    if (kind === "file") onPreview(row.entry);
    if (kind === "directory") (row.isOpen ? tree.close : tree.open)(path);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[at];
    const onRow = event.target instanceof Element && event.target.role === "treeitem";
    if (!row || !onRow || event.ctrlKey || event.metaKey || event.altKey) return;
    const isDirectory = row.kind === "entry" && row.entry.kind === "directory";
    const isOpen = row.kind === "entry" && row.isOpen;
    const keys: Record<string, () => void> = {
      ArrowDown: () => focus(at + 1),
      ArrowUp: () => focus(at - 1),
      Home: () => focus(0),
      End: () => focus(rows.length - 1),
      ArrowRight: () => {
        if (isOpen) focus(at + 1);
        else if (isDirectory) act(row);
      },
      ArrowLeft: () => {
        if (isOpen) act(row);
        else focus(rows.findIndex(({ key }) => key === parentOf(row)));
      },
      Enter: () => act(row),
      " ": () => act(row),
      Delete: () => {
        if (row.kind === "entry") onDelete(row.entry);
      },
    };
    const perform = keys[event.key] ?? typed(event.key);
    if (!perform) return;
    event.preventDefault();
    perform();
  };

  /** Typing a letter goes to the next name that begins with it. */
  const typed = (key: string) => {
    if (key.length !== 1) return undefined;
    const begins = (row: TreeRow) =>
      row.kind === "entry" && baseName(row.entry.path).toLowerCase().startsWith(key.toLowerCase());
    const next = rows.findIndex((row, index) => index > at && begins(row));
    return () => focus(next === -1 ? rows.findIndex(begins) : next);
  };

  return (
    <div ref={list} class="file-list" role="tree" aria-label="Files" onKeyDown={onKeyDown}>
      {rows.map((row, index) => (
        <div
          key={row.key}
          class="file-row"
          role="treeitem"
          aria-level={row.level}
          aria-posinset={row.position}
          aria-setsize={row.siblings}
          aria-expanded={
            row.kind === "entry" && row.entry.kind === "directory" ? row.isOpen : undefined
          }
          aria-label={row.kind === "entry" ? labelOf(row.entry) : undefined}
          data-directory={directoryOf(row)}
          data-takes-drop={dropDirectory !== undefined && row.key === dropDirectory}
          tabIndex={index === at ? 0 : -1}
          style={{ "--level": row.level - 1 }}
          onFocus={() => setFocused(row.key)}
          onClick={() => act(row)}
        >
          <FileRow
            row={row}
            files={files}
            isCurrent={index === at}
            onDelete={() => {
              if (row.kind === "entry") onDelete(row.entry);
            }}
          />
        </div>
      ))}
    </div>
  );
}

function labelOf({ path, kind }: FileEntry): string {
  return kind === "directory" ? `${baseName(path)}, folder` : baseName(path);
}

/** The key of the row that a row lies in. */
function parentOf(row: TreeRow): string {
  return row.kind === "entry" ? parentPath(row.entry.path) : row.key.replace(/\/\/\w+$/, "");
}

/** The directory that a drop on a row stores in. */
function directoryOf(row: TreeRow): string {
  if (row.kind === "entry" && row.entry.kind === "directory") return row.entry.path;
  return parentOf(row);
}
